"""JUnit reports of several tools, and hostile ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.junit import FAILURES_KEPT, SLOWEST_KEPT, Place, parse

PYTEST = (Path(__file__).parents[2] / "fixtures/junit/pytest.xml").read_bytes()


def case(inner: str = "", **attributes: str) -> str:
    given = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<testcase {given}>{inner}</testcase>"


def suite(*cases: str) -> bytes:
    return f"<testsuite>{''.join(cases)}</testsuite>".encode()


def test_counts_a_report_of_pytest():
    """Passed, failed, could not run and skipped are told apart."""
    report = parse(PYTEST)
    assert (report.total, report.passed, report.failed, report.errors, report.skipped) == (4, 1, 1, 1, 1)
    assert report.executed == 3
    assert report.seconds == pytest.approx(0.009)


def test_names_failures_of_pytest():
    """A failure has its test's name and the first line of its message."""
    failed, broken = parse(PYTEST).failures
    assert (failed.name, failed.message) == ("tests.test_price::test_empty", "ValueError: nothing to pay")
    assert broken.message == 'failed on setup with "RuntimeError: no database"'
    assert "raise ValueError" in failed.detail


def test_likeliest_place_is_in_the_test_itself():
    """Where no attribute names a line, as with pytest, the line of the test comes before the line it called."""
    assert parse(PYTEST).failures[0].places == (Place("tests/test_price.py", 11), Place("shop/price.py", 3))


@pytest.mark.parametrize(
    ("attributes", "text", "place"),
    [
        ({"file": "tests/a.rb", "line": "7"}, "no trace", Place("tests/a.rb", 7)),
        ({"file": "tests/a.rb"}, "no trace", Place("tests/a.rb", 0)),
        ({}, "Error: no\n    at Object.toBe (src/cart.test.js:12:18)", Place("src/cart.test.js", 12)),
        ({}, "    cart_test.go:31: got 2, want 3", Place("cart_test.go", 31)),
        ({}, '  File "/home/runner/shop/a.py", line 3, in test', Place("/home/runner/shop/a.py", 3)),
    ],
)
def test_finds_places_as_tools_write_them(attributes, text, place):
    """Attributes, or the traces of Jest, Go and Python, name a file and a line."""
    report = parse(suite(case(f"<failure>{text}</failure>", name="t", **attributes)))
    assert report.failures[0].places[0] == place


def test_nested_suites_and_namespaces_are_counted():
    """Tools nest suites, and some put the document in a namespace."""
    inner = f"<testsuite>{case(name='a')}<testsuite>{case(name='b')}</testsuite></testsuite>"
    assert parse(f'<testsuites xmlns="urn:x">{inner}</testsuites>'.encode()).passed == 2


def test_totals_in_attributes_are_not_believed():
    """The cases decide, whatever the suite says of itself."""
    document = f'<testsuite tests="900" failures="0">{case("<failure/>", name="t")}</testsuite>'
    assert (parse(document.encode()).total, parse(document.encode()).failed) == (1, 1)


def test_a_case_with_failure_and_error_is_one_error():
    """A test that failed and whose tear-down broke is counted once."""
    report = parse(suite(case("<failure/><error/>", name="t")))
    assert (report.total, report.failed, report.errors) == (1, 0, 1)


def test_text_outside_a_failure_is_not_kept():
    """What a test printed is no part of why it failed."""
    report = parse(suite(case("<failure>why</failure><system-out>secret</system-out>", name="t")))
    assert report.failures[0].detail == "why"


def test_a_failure_without_words_says_so():
    """An empty failure still fails, and says that it gave no reason."""
    assert parse(suite(case("<failure/>", name="t"))).failures[0].message == "it gave no reason"


def test_slowest_first():
    """The slowest tests are kept, the slowest first; a skipped one took no time worth telling."""
    cases = [case(name=str(n), time=str(n)) for n in range(9)]
    report = parse(suite(*cases, case("<skipped/>", name="s", time="99")))
    assert [slow.name for slow in report.slowest] == ["8", "7", "6", "5", "4"]
    assert len(report.slowest) == SLOWEST_KEPT


def test_what_is_kept_is_bounded():
    """A million failures with long texts are all counted, and only a bounded part is kept."""
    many = case(f"<failure>{'x' * 50_000}</failure>", name="n" * 5000) * (FAILURES_KEPT + 20)
    report = parse(suite(many))
    assert report.failed == FAILURES_KEPT + 20
    assert len(report.failures) == FAILURES_KEPT
    assert len(report.failures[0].detail) <= 8000
    assert len(report.failures[0].name) < 400


def test_hostile_text_is_made_printable():
    """A name cannot speak to the runner or move the cursor."""
    name = parse(suite(case("<failure/>", name="##[set-output]\u202e"))).failures[0].name
    assert "##[" not in name
    assert "\u202e" not in name


@pytest.mark.parametrize("document", [b"<coverage/>", b"<html/>"])
def test_another_document_is_refused(document):
    """A report of something else is no report of tests."""
    with pytest.raises(ValueError, match="not a JUnit report"):
        parse(document)


@given(st.lists(st.sampled_from(["", "<failure/>", "<error/>", "<skipped/>"]), max_size=30))
def test_every_case_is_counted_once(kinds):
    """Passed, failed, errors and skipped always add up to the total."""
    report = parse(suite(*(case(kind, name="t") for kind in kinds)))
    assert report.total == len(kinds)
    assert report.passed + report.failed + report.errors + report.skipped == report.total
    assert report.passed == kinds.count("")
