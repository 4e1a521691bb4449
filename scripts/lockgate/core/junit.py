"""What a JUnit XML report says, as pytest, Jest, Surefire, gotestsum and others write it.

The test cases themselves are counted: the totals in the attributes are another program's word.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lockgate.core.redaction import printable, shorten
from lockgate.core.report_xml import local_name, read, seconds, whole_number

FAILURES_KEPT = 50
SLOWEST_KEPT = 5
_NAME_CHARACTERS = 300
_TEXT_CHARACTERS = 8000
_PLACES_KEPT = 20
_PLACE = re.compile(
    r"(?:^|[\s(\"'])(/?(?:[\w.@+-]+/)*[\w.@+-]+\.[A-Za-z]\w{0,4})\"?(?::|, line )(\d{1,7})\b", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as a report names it: the file may not exist."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Failure:
    """One test that said no."""

    name: str
    message: str
    """Its first line, for a list."""
    detail: str
    places: tuple[Place, ...]
    """Where it may have happened, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Slow:
    """How long one test took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TestReport:
    """The counts, and what a person asks for next."""

    __test__ = False
    total: int
    failed: int
    errors: int
    skipped: int
    seconds: float
    failures: tuple[Failure, ...]
    """The first 50 that failed or could not run."""
    slowest: tuple[Slow, ...]

    @property
    def executed(self) -> int:
        """How many tests were run at all."""
        return self.total - self.skipped

    @property
    def passed(self) -> int:
        """How many said yes."""
        return self.executed - self.failed - self.errors


def parse(document: bytes) -> TestReport:
    """Read a report; raise ValueError with what is wrong with it."""
    reader = _Reader()
    read(document, reader)
    return reader.report()


class _Reader:
    """Collects test cases as they go by; suites may be nested."""

    def __init__(self) -> None:
        self._root = ""
        self._counts = {"total": 0, "failure": 0, "error": 0, "skipped": 0}
        self._seconds = 0.0
        self._failures: list[Failure] = []
        self._slowest: list[Slow] = []
        self._case: Mapping[str, str] | None = None
        self._verdicts: dict[str, str] = {}
        self._capturing = False
        self._text: list[str] = []
        self._length = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = local_name(tag)
        if not self._root:
            self._root = name
            if name not in {"testsuites", "testsuite"}:
                raise ValueError(f"it is not a JUnit report: its root is <{shorten(printable(name), 40)}>")
        if name == "testcase":
            self._case = attributes
            self._verdicts, self._text, self._length = {}, [], 0
        elif self._case is not None and name in {"failure", "error", "skipped"}:
            self._verdicts.setdefault(name, attributes.get("message", ""))
            self._capturing = name != "skipped"

    def end(self, tag: str) -> None:
        name = local_name(tag)
        if name == "testcase" and self._case is not None:
            self._count(self._case)
            self._case = None
        elif name in {"failure", "error", "skipped"}:
            self._capturing = False

    def data(self, text: str) -> None:
        if self._capturing and self._length < _TEXT_CHARACTERS:
            self._text.append(text[: _TEXT_CHARACTERS - self._length])
            self._length += len(self._text[-1])

    def report(self) -> TestReport:
        return TestReport(
            total=self._counts["total"],
            failed=self._counts["failure"],
            errors=self._counts["error"],
            skipped=self._counts["skipped"],
            seconds=self._seconds,
            failures=tuple(self._failures),
            slowest=tuple(self._slowest),
        )

    def _count(self, case: Mapping[str, str]) -> None:
        # A test whose body failed and whose tear-down broke too is one test, and an error.
        verdict = next((kind for kind in ("error", "failure", "skipped") if kind in self._verdicts), "")
        took = seconds(case.get("time", ""))
        name = _name(case)
        self._counts["total"] += 1
        self._seconds += took
        if verdict:
            self._counts[verdict] += 1
        if verdict in {"error", "failure"} and len(self._failures) < FAILURES_KEPT:
            self._failures.append(_failure(name, case, self._verdicts[verdict], "".join(self._text)))
        if verdict != "skipped":
            self._slowest.append(Slow(name, took))
            self._slowest.sort(key=lambda slow: -slow.seconds)
            del self._slowest[SLOWEST_KEPT:]


def _name(case: Mapping[str, str]) -> str:
    parts = [case.get("classname", ""), case.get("name", "")]
    return shorten(printable("::".join(filter(None, parts))) or "(no name)", _NAME_CHARACTERS)


def _failure(name: str, case: Mapping[str, str], message: str, text: str) -> Failure:
    text = printable(text).strip("\n")
    message = printable(message).strip() or _last_line(text) or "it gave no reason"
    return Failure(
        name=name,
        message=shorten(message.splitlines()[0], _NAME_CHARACTERS),
        detail=text or message,
        places=_places(case, text),
    )


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""


def _places(case: Mapping[str, str], text: str) -> tuple[Place, ...]:
    # Attributes are exact where a tool writes them (pytest's xunit1, RSpec, PHPUnit); else the trace names lines.
    found: list[Place] = []
    if file := case.get("file", ""):
        found.append(Place(printable(file), whole_number(case.get("line", "")) or 0))
    traced = [Place(file, int(line)) for file, line in _PLACE.findall(text)[:_PLACES_KEPT]]
    # A line in the test's own file says more than one in what it called; pytest names the module in `classname`.
    module = case.get("classname", "").replace(".", "/")
    traced.sort(key=lambda place: not (module and place.file.rpartition(".")[0] in module))
    return tuple(dict.fromkeys(found + traced))
