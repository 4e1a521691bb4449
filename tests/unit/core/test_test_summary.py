"""The test stage's summary: complete, bounded, and deaf to what tests print."""

import pytest

from lockgate.core.coverage import CoverageReport, FileCoverage
from lockgate.core.junit import Failure, TestReport
from lockgate.core.test_summary import FAILURES_SHOWN, counted, data, losses, percent, render

HOSTILE = "</details>```\n# <script>@everyone"


def ran(*failures: Failure) -> TestReport:
    return TestReport(1 + len(failures), len(failures), 0, 0, 1.5, failures, ())


def failure(text: str = "why") -> Failure:
    return Failure("test", text, text, ())


@pytest.mark.parametrize(
    ("share", "text"), [(0.9, "90.00 %"), (0.899999, "89.99 %"), (1.0, "100.00 %"), (0, "0.00 %"), (0.29, "29.00 %")]
)
def test_percent_never_rounds_up(share, text):
    """What is below a limit does not look as if it had reached it."""
    assert percent(share) == text


def test_counts_in_words():
    """Zeros are left out; nothing at all is said."""
    assert counted(TestReport(6, 1, 2, 3, 0.0, (), ())) == "1 failed, 2 could not run, 3 skipped"
    assert counted(TestReport(0, 0, 0, 0, 0.0, (), ())) == "no tests"


def test_losses_name_the_worst_files():
    """Three files with their lines."""
    files = tuple(FileCoverage(f"f{n}", 10, 9 - n) for n in range(5))
    assert losses(CoverageReport(0.5, 1, 2, files)).startswith("f0 (9 of 10 lines missed), f1 (8")


def test_hostile_failure_cannot_leave_its_block():
    """A fence, HTML and a mention in a failure stay text."""
    text = render("1 failed", passed=False, tests=ran(failure(HOSTILE)), coverage=None, minimum=0.9, tail="")
    assert "````\n</details>```" in text
    assert "<summary>test</summary>" in text


def test_without_a_named_failure_the_output_is_shown():
    """A command that failed for another reason shows the end of what it printed."""
    text = render("exit code 2", passed=False, tests=None, coverage=None, minimum=0.9, tail="make: no rule")
    assert "make: no rule" in text


def test_pass_is_one_line_and_a_table():
    """A good run shows counts and coverage, and no output."""
    measured = CoverageReport(0.95, 95, 100, ())
    text = render("1 passed", passed=True, tests=ran(), coverage=measured, minimum=0.9, tail="noise")
    assert "95.00 %" in text
    assert "noise" not in text


def test_shown_failures_are_bounded():
    """Ten failures are shown, and how many more there are."""
    many = ran(*[failure("x" * 9000)] * 30)
    text = render("m", passed=False, tests=many, coverage=None, minimum=0.9, tail="")
    assert text.count("<details>") == FAILURES_SHOWN
    assert "and 20 more" in text
    assert len(text) < 30_000


def test_places_belong_to_failures():
    """As many places as failures: a mix-up is an error, not a wrong line."""
    assert data(ran(failure()), None, [("a.py", 3)], 1)["failures"][0]["line"] == 3
    with pytest.raises(ValueError, match="zip"):
        data(ran(failure()), None, [], 1)
