"""The test stage on the job's summary page, and in its result."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.core import markdown
from lockgate.core.coverage import CoverageReport
from lockgate.core.junit import TestReport
from lockgate.core.redaction import shorten

FAILURES_SHOWN = 10
_DETAIL_CHARACTERS = 2000
_FILES_SHOWN = 10


def percent(share: float) -> str:
    """A share with two digits, cut and not rounded: 89.999 % is not 90 %."""
    return f"{int(share * 10_000 + 1e-6) / 100:.2f} %"


def counted(report: TestReport) -> str:
    """The counts in words, zeros left out."""
    kinds = (
        (report.passed, "passed"),
        (report.failed, "failed"),
        (report.errors, "could not run"),
        (report.skipped, "skipped"),
    )
    return ", ".join(f"{number} {word}" for number, word in kinds if number) or "no tests"


def losses(report: CoverageReport, limit: int = 3) -> str:
    """The files that cost the most coverage, in words."""
    worst = [f"{file.name} ({file.missed} of {file.lines} lines missed)" for file in report.files[:limit]]
    return ", ".join(worst)


def data(
    tests: TestReport | None, coverage: CoverageReport | None, places: Sequence[tuple[str, int]], code: int
) -> Mapping[str, Any]:
    """What the result says: bounded, whatever the reports held. `places` belong to the failures, one each."""
    return {
        "exit_code": code,
        "tests": tests
        and {
            "total": tests.total,
            "passed": tests.passed,
            "failed": tests.failed,
            "errors": tests.errors,
            "skipped": tests.skipped,
            "seconds": round(tests.seconds, 3),
        },
        "failures": [
            {"name": failure.name, "message": failure.message, "file": file, "line": line}
            for failure, (file, line) in zip(tests.failures if tests else (), places, strict=True)
        ],
        "slowest": [
            {"name": slow.name, "seconds": round(slow.seconds, 3)} for slow in (tests.slowest if tests else ())
        ],
        "coverage": coverage
        and {
            "share": round(coverage.share, 6),
            "covered": coverage.covered,
            "lines": coverage.lines,
            "files": [
                {"file": file.name, "lines": file.lines, "missed": file.missed}
                for file in coverage.files[:_FILES_SHOWN]
            ],
        },
    }


def render(
    message: str, *, passed: bool, tests: TestReport | None, coverage: CoverageReport | None, minimum: float, tail: str
) -> str:
    """Make the Markdown of the summary. `tail` is the end of what the command printed."""
    parts = [f"### {'✓' if passed else '✗'} test: {markdown.escape(message)}"]
    rows = []
    if tests:
        rows.append(["tests", counted(tests), f"{tests.seconds:.1f} s"])
    if coverage:
        rows.append(["coverage", percent(coverage.share), f"at least {percent(minimum)}"])
    if rows:
        parts.append(markdown.table(["", "measured", ""], rows))
    if tests and tests.failures:
        parts.append(_failures(tests))
    elif not passed and not (coverage and coverage.share < minimum):
        parts.append("The end of what it printed:\n\n" + markdown.block(tail[-_DETAIL_CHARACTERS:]))
    if coverage and coverage.share < minimum and coverage.files:
        parts.append(_worst(coverage))
    return "\n\n".join(parts)


def _failures(tests: TestReport) -> str:
    shown = [
        f"<details><summary>{markdown.escape(failure.name)}</summary>\n\n"
        f"{markdown.block(shorten(failure.detail, _DETAIL_CHARACTERS))}\n\n</details>"
        for failure in tests.failures[:FAILURES_SHOWN]
    ]
    more = tests.failed + tests.errors - len(shown)
    return "\n\n".join([*shown, *([f"and {more} more"] if more > 0 else [])])


def _worst(coverage: CoverageReport) -> str:
    rows = [[markdown.code(file.name), str(file.missed), str(file.lines)] for file in coverage.files[:_FILES_SHOWN]]
    return markdown.table(["file", "lines missed", "of"], rows)
