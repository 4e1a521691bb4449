"""What a test run comes to: passed, failed, or not to be judged."""

from dataclasses import dataclass

from lockgate.adapters.process import Completed
from lockgate.core.coverage import CoverageReport
from lockgate.core.junit import TestReport
from lockgate.core.redaction import printable, shorten
from lockgate.core.test_summary import counted, losses, percent
from lockgate.errors import CoverageTooLowError, NoTestsError, StageError, TestsFailedError

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """The command's end, and what its reports say; None where one was not asked for or cannot be read."""

    completed: Completed
    tests: TestReport | None
    coverage: CoverageReport | None
    places: tuple[tuple[str, int], ...]
    trouble: StageError | None
    """Why a report cannot be read."""


def judge(seen: Seen, minimum: float) -> StageError | None:
    """Why this run does not pass, or None; raise where it cannot be said."""
    tests, code = seen.tests, seen.completed.code
    if tests and tests.failures:
        return _failed(tests, code)
    if tests and not tests.executed:
        raise NoTestsError(
            f"No test was executed ({counted(tests)}; exit code {code}).",
            why="The command found no tests, or skipped every one. Nothing tested is not a pass.",
            fix="Check where the command looks for tests, and why they are skipped.",
        )
    if code:
        ended = f"exit code {code}" if code > 0 else f"signal {-code}"
        trouble = f" {seen.trouble.what}" if seen.trouble else ""
        though = " though no test in its report failed" if tests else ""
        return TestsFailedError(
            f"The test command ended with {ended}{though}.{trouble}",
            why=f"It last printed: {last_line(seen.completed.tail)}",
        )
    if seen.trouble:
        raise seen.trouble
    if seen.coverage and seen.coverage.share < minimum:
        return CoverageTooLowError(
            f"Coverage is {percent(seen.coverage.share)}, below the minimum of {percent(minimum)}.",
            why=f"Most is lost in {losses(seen.coverage)}." if seen.coverage.files else "",
            fix="Test these lines, or lower budgets.coverage in a reviewed change.",
        )
    return None


def praise(seen: Seen) -> str:
    """What to say of a run that passed."""
    parts = [counted(seen.tests) if seen.tests else "the test command ended with exit code 0"]
    if seen.coverage:
        parts.append(f"coverage {percent(seen.coverage.share)}")
    return ", ".join(parts)


def last_line(tail: str) -> str:
    """The last thing a program said, fit to be shown."""
    lines = [line.strip() for line in printable(tail).splitlines() if line.strip()]
    return shorten(lines[-1], 300) if lines else "nothing"


def _failed(tests: TestReport, code: int) -> TestsFailedError:
    number = tests.failed + tests.errors
    named = ", ".join(failure.name for failure in tests.failures[:_NAMED])
    more = f" and {number - _NAMED} more" if number > _NAMED else ""
    anyway = "" if code else " The command exited with 0 all the same; its report decides."
    return TestsFailedError(
        f"{number} of {tests.executed} tests failed: {named}{more}.{anyway}", why=tests.failures[0].message
    )
