"""What a Cobertura XML report says, as coverage.py, pytest-cov, Jest, c8 and gocover-cobertura write it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lockgate.core.redaction import printable, shorten
from lockgate.core.report_xml import local_name, read, whole_number

_DISAGREEMENT = 0.01
"""Tools round `line-rate` to two to four digits, so it and the counts may differ by this much."""
_NAME_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """The lines of one file."""

    name: str
    lines: int
    missed: int


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """How much of the code the tests ran."""

    share: float
    """Lines run of lines that could be run, 0 to 1, not rounded where the report has counts."""
    covered: int
    lines: int
    files: tuple[FileCoverage, ...]
    """The files with lines that were not run, most missed lines first."""


def parse(document: bytes) -> CoverageReport:
    """Read a report; raise ValueError with what is wrong with it."""
    reader = _Reader()
    read(document, reader)
    return reader.report()


class _Reader:
    """Collects the lines of every file; one file may be many classes."""

    def __init__(self) -> None:
        self._root: Mapping[str, str] | None = None
        self._file = ""
        self._in_method = 0
        self._hits: dict[str, dict[int, bool]] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = local_name(tag)
        if self._root is None:
            if name != "coverage":
                raise ValueError(f"it is not a Cobertura report: its root is <{shorten(printable(name), 40)}>")
            self._root = attributes
        elif name == "class":
            self._file = shorten(printable(attributes.get("filename", "")), _NAME_CHARACTERS)
        elif name == "method":
            # The lines of a method are listed again among those of its class.
            self._in_method += 1
        elif name == "line" and self._file and not self._in_method:
            self._line(attributes)

    def end(self, tag: str) -> None:
        name = local_name(tag)
        if name == "method":
            self._in_method -= 1
        elif name == "class":
            self._file = ""

    def data(self, text: str) -> None:
        """Text has no meaning in these reports."""

    def report(self) -> CoverageReport:
        root = self._root or {}
        rate = _rate(root.get("line-rate"))
        lines = whole_number(root.get("lines-valid", ""))
        covered = whole_number(root.get("lines-covered", ""))
        if lines is None or covered is None:
            lines = sum(len(hits) for hits in self._hits.values())
            covered = sum(sum(hits.values()) for hits in self._hits.values())
            share = rate
        else:
            share = covered / lines if lines else rate
        if lines == 0:
            # coverage.py writes line-rate="1" for nothing at all.
            raise ValueError("it has no line of code in it: nothing was measured")
        if covered > lines or abs(share - rate) > _DISAGREEMENT:
            raise ValueError(f"it contradicts itself: {covered} of {lines} lines is not a line-rate of {rate:g}")
        return CoverageReport(share, covered, lines, self._files())

    def _line(self, attributes: Mapping[str, str]) -> None:
        number = whole_number(attributes.get("number", ""))
        if number is None:
            raise ValueError(f'a line of {self._file} has no number: "{shorten(attributes.get("number", ""), 40)}"')
        hits = self._hits.setdefault(self._file, {})
        hits[number] = hits.get(number, False) or _was_run(attributes.get("hits", ""))

    def _files(self) -> tuple[FileCoverage, ...]:
        files = [FileCoverage(name, len(hits), len(hits) - sum(hits.values())) for name, hits in self._hits.items()]
        return tuple(sorted((file for file in files if file.missed), key=lambda file: (-file.missed, file.name)))


def _rate(text: str | None) -> float:
    if text is None:
        raise ValueError("its root has no line-rate")
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise ValueError(f'its line-rate is "{shorten(printable(text), 40)}", expected a number from 0 to 1')
    return rate


def _was_run(hits: str) -> bool:
    return hits.strip().isdigit() and hits.strip("0 ") != ""
