"""The colours of charts, in light and dark."""

from enum import StrEnum


class Tone(StrEnum):
    """What a shape means."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    CALM = "calm"


_LIGHT = {Tone.GOOD: "#1a7f4b", Tone.BAD: "#c62f3b", Tone.WARN: "#b7791f", Tone.FIRST: "#2f6fb5",
          Tone.SECOND: "#8454b8", Tone.THIRD: "#14808a", Tone.CALM: "#75808f"}  # fmt: skip
_DARK = {Tone.GOOD: "#4cc38a", Tone.BAD: "#ff6b76", Tone.WARN: "#e3b341", Tone.FIRST: "#6cb0f5",
         Tone.SECOND: "#c39af0", Tone.THIRD: "#4fd0da", Tone.CALM: "#9aa6b5"}  # fmt: skip
STYLE = (
    "".join(f".t-{tone}{{--tone:{colour}}}" for tone, colour in _LIGHT.items())
    + "svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}"
    + "svg text{fill:currentColor}svg .quiet{opacity:.65}"
    + "svg .fill{fill:var(--tone)}svg .soft{fill:var(--tone);opacity:.1}"
    + "svg .line{fill:none;stroke:var(--tone);stroke-width:2;stroke-linejoin:round}"
    + "svg .dash{stroke:var(--tone);stroke-width:1.5;stroke-dasharray:5 4}svg .grid{stroke:currentColor;opacity:.13}"
    + "@media(prefers-color-scheme:dark){"
    + "".join(f".t-{tone}{{--tone:{colour}}}" for tone, colour in _DARK.items())
    + "}"
)
"""The CSS of the tones and shapes."""
