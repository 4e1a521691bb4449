"""One thing wrong with a config, and how it is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lockgate.core.redaction import printable, shorten

Path = tuple[str | int, ...]
"""Where in the document: keys and list indexes from the top."""
_LONGEST_SHOWN = 60


class Position(NamedTuple):
    """A place in the file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. It never holds a value that may be a secret."""

    path: Path
    message: str
    at_key: bool = False
    """Whether it is about the key itself and not about its value."""
    position: Position | None = None
    """Where it stands, if the path does not say it: in a comment, or a second key of the same name."""
    depends: tuple[Path, ...] = ()
    """What was compared to find it. Where one of these is wrong itself, this problem is only its echo."""
    spoils: tuple[Path, ...] = ()
    """What else is not to be believed: the key that a misspelt one was meant to be."""


def written(path: Path) -> str:
    """Write a path as people read it: `environments.production.gate.probes[0].path`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return shorten(printable(text.removeprefix(".")), 2 * _LONGEST_SHOWN).replace("\n", " ") or "the file"


def shown(value: Any) -> str:
    """Show a value of the document in an error, short and harmless to a terminal."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return '"' + shorten(printable(value), _LONGEST_SHOWN).replace("\n", "\\n").replace("\t", "\\t") + '"'
    return shorten(str(value), _LONGEST_SHOWN)


def alternatives(words: Iterable[object], last: str = "or") -> str:
    """Join words: "a, b or c"."""
    *most, end = [str(word) for word in words]
    return f"{', '.join(most)} {last} {end}" if most else end


def without_echoes(problems: Iterable[Problem], wrong: Iterable[Problem]) -> list[Problem]:
    """Leave out the problems that only follow from one that is told already."""
    # The empty path is a secret in a comment: nothing depends on a comment.
    bad = [path for problem in wrong for path in (problem.path, *problem.spoils) if path]
    return [problem for problem in problems if not any(_related(path, b) for path in problem.depends for b in bad)]


def _related(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
