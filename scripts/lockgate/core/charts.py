"""Charts as SVG text, for pages that load nothing: a timeline, lines over time, stacked areas.

Tones are CSS classes, so that one chart follows its page into light and dark: `chart_style.STYLE` has both. Time is in
seconds. Text from outside is escaped. An SVG does not reflow: a page draws each chart for a wide and a narrow window.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from lockgate.core.chart_style import Tone

FONT = 12
_ROW = 24
_BAR = 14
_LEFT = 84
"""Room for names on the left; the same in a timeline and in what is drawn below it, so that times line up."""
_LETTER = 6.6
"""Width of a letter at this size, in the fonts that the style asks for; a little more than most are."""
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Bar:
    """A span of time on a row of a timeline; `label` is shown beside it, `detail` when pointed at."""

    start: float
    end: float
    tone: Tone
    label: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a timeline: a heading where it has no bars."""

    label: str
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Values over time, in order of time."""

    name: str
    tone: Tone
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Band:
    """A named stretch of time behind a plot."""

    start: float
    end: float
    label: str
    tone: Tone = Tone.CALM


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart's data lie on the drawing."""

    span: tuple[float, float]
    top_value: float
    width: float
    height: float
    left: float = 44
    right: float = 20
    top: float = 22
    bottom: float = 26

    def x(self, t: float) -> float:
        """Give the place of a time; times outside the span lie at its ends."""
        start, end = self.span
        share = (min(max(t, start), end) - start) / ((end - start) or 1)
        return self.left + share * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Give the place of a value; values outside the chart lie at its edges."""
        share = min(max(value, 0.0), self.top_value) / (self.top_value or 1)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)


def timeline(rows: Sequence[Row], span: tuple[float, float], *, width: float, title: str) -> str:
    """Draw what ran when, a row for each thing."""
    frame = Frame(span, 1, width, len(rows) * _ROW + 34, left=_LEFT, top=4)
    parts = [_time_axis(frame)]
    for number, row in enumerate(rows):
        y = frame.top + number * _ROW
        if not row.bars:
            parts.append(f'<text x="0" y="{y + 17:g}" font-weight="600">{escape(row.label)}</text>')
            continue
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 16:g}" text-anchor="end">{escape(row.label)}</text>')
        parts += [_bar(frame, y + (_ROW - _BAR) / 2, bar) for bar in row.bars]
    return _svg(frame, title, parts)


def stacked(layers: Sequence[Series], span: tuple[float, float], *, width: float, title: str, unit: str) -> str:
    """Draw amounts that add up, one layer on the other. Every layer has the same times."""
    times = [t for t, _ in layers[0].points] if layers else []
    totals = [sum(layer.points[at][1] for layer in layers) for at in range(len(times))]
    frame = Frame(span, ceiling(max(totals, default=1)), width, 200, left=_LEFT)
    parts = [_time_axis(frame), _value_axis(frame, [(v, f"{v:g}") for v in values(frame.top_value)], unit)]
    below = [0.0] * len(times)
    for layer in layers:
        above = [low + value for low, (_, value) in zip(below, layer.points, strict=True)]
        edge = [_at(frame, t, v) for t, v in zip(times, above, strict=True)]
        back = [_at(frame, t, v) for t, v in zip(reversed(times), reversed(below), strict=True)]
        name = escape(layer.name)
        parts.append(
            f'<polygon class="fill t-{layer.tone}" points="{" ".join(edge + back)}"><title>{name}</title></polygon>'
        )
        below = above
    return _svg(frame, title, [*parts, _legend(frame, layers)])


def odds(
    lines: Sequence[Series], span: tuple[float, float], *, limit: float, bands: Sequence[Band], width: float, title: str
) -> str:
    """Draw evidence (powers of ten) over time against the limit at which a gate fails."""
    most = max([limit, *(value for line in lines for _, value in line.points)])
    frame = Frame(span, min(most, 2.5 * limit) * 1.05, width, 260, left=48, top=40)
    decades = range(math.floor(frame.top_value) + 1)
    parts = [_time_axis(frame), _value_axis(frame, [(v, power_of_ten(v)) for v in decades], "times")]
    # The names of the bands stay clear of the dashed line.
    name_y = frame.top + 14 if frame.y(limit) > frame.top + 20 else frame.y(limit) + 16
    for band in bands:
        left, right = frame.x(band.start), frame.x(band.end)
        box = (
            f'x="{left:.1f}" y="{frame.top:g}" width="{max(1, right - left):.1f}" height="{frame.y(0) - frame.top:.1f}"'
        )
        parts.append(f'<rect class="soft t-{band.tone}" {box}><title>{escape(band.label)}</title></rect>')
        if len(band.label) * _LETTER < right - left:
            parts.append(f'<text class="quiet" x="{left + 4:.1f}" y="{name_y:.1f}">{escape(band.label)}</text>')
    y = frame.y(limit)
    parts.append(
        f'<line class="dash t-bad" x1="{frame.left:g}" x2="{width - frame.right:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
    )
    for line in lines:
        points = " ".join(_at(frame, t, v) for t, v in line.points)
        parts.append(
            f'<polyline class="line t-{line.tone}" points="{points}"><title>{escape(line.name)}</title></polyline>'
        )
    named = {(line.name, line.tone): line for line in lines}
    return _svg(frame, title, [*parts, _legend(frame, [*named.values(), Series("limit", Tone.BAD, ())])])


def ceiling(value: float) -> float:
    """Give a round number that is not below the value."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if factor * power >= value)


def power_of_ten(exponent: int) -> str:
    """Write 10, 100, 1k, 10k, ... 1M, and so on."""
    thousands, rest = divmod(exponent, 3)
    return f"{10**rest}{('', 'k', 'M', 'G')[thousands]}" if thousands < len("-kMG") else f"1e{exponent}"


def values(top: float) -> list[float]:
    """Give the marks of a value axis: none, half, all."""
    return [0, top / 2, top]


def times(span: tuple[float, float], most: int) -> list[float]:
    """Give the marks of a time axis, at most so many, at round times."""
    start, end = span
    step = next((step for step in _STEPS if (end - start) / step <= most), _STEPS[-1])
    first = math.ceil(start / step)
    return [number * step for number in range(first, math.floor(end / step) + 1)]


def _time_axis(frame: Frame) -> str:
    bottom = frame.height - frame.bottom
    parts = []
    for t in times(frame.span, most=max(2, int(frame.width / 80))):
        x = frame.x(t)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{bottom:g}"/>')
        parts.append(f'<text class="quiet" x="{x:.1f}" y="{bottom + 16:g}" text-anchor="middle">{t:g} s</text>')
    return "".join(parts)


def _value_axis(frame: Frame, marks: Iterable[tuple[float, str]], unit: str) -> str:
    parts = [f'<text class="quiet" x="0" y="{FONT:g}">{escape(unit)}</text>']
    for value, label in marks:
        y, right = frame.y(value), frame.width - frame.right
        parts.append(f'<line class="grid" x1="{frame.left:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="quiet" x="{frame.left - 6:g}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    return "".join(parts)


def _bar(frame: Frame, y: float, bar: Bar) -> str:
    left, right = frame.x(bar.start), frame.x(bar.end)
    box = f'x="{left:.1f}" y="{y:g}" width="{max(2, right - left):.1f}" height="{_BAR}" rx="3"'
    shape = f'<rect class="fill t-{bar.tone}" {box}><title>{escape(bar.detail or bar.label)}</title></rect>'
    if not bar.label:
        return shape
    # Beside the bar, on the side that has room.
    room = frame.width - right - 6 > len(bar.label) * _LETTER
    x, anchor = (right + 6, "start") if room else (left - 6, "end")
    return f'{shape}<text class="quiet" x="{x:.1f}" y="{y + 11:g}" text-anchor="{anchor}">{escape(bar.label)}</text>'


def _legend(frame: Frame, series: Sequence[Series]) -> str:
    parts, x = [], frame.width - frame.right
    for one in reversed(series):
        x -= len(one.name) * _LETTER + 22
        parts.append(f'<rect class="fill t-{one.tone}" x="{x:.1f}" y="3" width="10" height="10" rx="2"/>')
        parts.append(f'<text x="{x + 14:.1f}" y="{FONT}">{escape(one.name)}</text>')
    return "".join(parts)


def _at(frame: Frame, t: float, value: float) -> str:
    return f"{frame.x(t):.1f},{frame.y(value):.1f}"


def _svg(frame: Frame, title: str, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {frame.width:g} {frame.height:g}"'
    return f'<svg {size} role="img" aria-label="{escape(title, quote=True)}">{"".join(parts)}</svg>'
