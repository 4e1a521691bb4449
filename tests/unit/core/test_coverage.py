"""Cobertura reports of several tools, and hostile ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.coverage import FileCoverage, parse

COVERAGE_PY = (Path(__file__).parents[2] / "fixtures/coverage/coverage-py.xml").read_bytes()


def report(attributes: str, *classes: str) -> bytes:
    return f"<coverage {attributes}><packages><package><classes>{''.join(classes)}</classes></package></packages></coverage>".encode()


def source(name: str, *hits: int, methods: str = "") -> str:
    lines = "".join(f'<line number="{number}" hits="{count}"/>' for number, count in enumerate(hits, 1))
    return f'<class filename="{name}"><methods>{methods}</methods><lines>{lines}</lines></class>'


def test_reads_a_report_of_coverage_py():
    """The share, the counts and the files that lose are read."""
    found = parse(COVERAGE_PY)
    assert (found.share, found.covered, found.lines) == (0.625, 5, 8)
    assert found.files == (FileCoverage("price.py", 8, 3),)


def test_the_counts_say_more_than_the_rounded_rate():
    """coverage.py rounds 8999 of 10000 lines to a rate of 0.9: that is not 90 %."""
    assert parse(report('line-rate="0.9" lines-covered="8999" lines-valid="10000"')).share == 0.8999


def test_without_counts_the_rate_stands():
    """Some tools write no counts at the root: lines are counted, and the rate is taken as it is."""
    found = parse(report('line-rate="0.67"', source("a.js", 1, 0, 1)))
    assert (found.share, found.covered, found.lines) == (0.67, 2, 3)


def test_lines_of_methods_are_not_counted_twice():
    """gocover-cobertura and Jest list a method's lines again in their class."""
    method = '<method name="f"><lines><line number="1" hits="1"/></lines></method>'
    assert parse(report('line-rate="0.5"', source("a.go", 1, 0, methods=method))).lines == 2


def test_one_file_in_two_classes_is_one_file():
    """A line that either class ran was run."""
    found = parse(report('line-rate="0.66"', source("A.java", 0, 1, 0), source("A.java", 1, 0, 0)))
    assert found.files == (FileCoverage("A.java", 3, 1),)


def test_files_that_lose_most_come_first():
    """The order is by lines missed, then by name; a file that misses nothing is left out."""
    found = parse(report('line-rate="0.4"', source("b", 0), source("a", 0), source("worst", 0, 0), source("whole", 1)))
    assert [file.name for file in found.files] == ["worst", "a", "b"]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"<testsuite/>", "not a Cobertura report"),
        (report(""), "no line-rate"),
        (report('line-rate="1.2"', source("a", 1)), "from 0 to 1"),
        (report('line-rate="-0.1"', source("a", 1)), "from 0 to 1"),
        (report('line-rate="nan"', source("a", 1)), "from 0 to 1"),
        (report('line-rate="most"', source("a", 1)), "from 0 to 1"),
        (report('line-rate="1"'), "nothing was measured"),
        (report('line-rate="1" lines-valid="0" lines-covered="0"'), "nothing was measured"),
        (report('line-rate="1" lines-valid="100" lines-covered="10"'), "contradicts itself"),
        (report('line-rate="1" lines-valid="1000" lines-covered="1001"'), "contradicts itself"),
        (report('line-rate="1"', '<class filename="a"><lines><line hits="1"/></lines></class>'), "no number"),
    ],
)
def test_refuses(document, told):
    """A report that says nothing, or cannot be true, is not a coverage."""
    with pytest.raises(ValueError, match=told):
        parse(document)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=50))
def test_share_is_the_lines_that_were_run(hits):
    """Whatever the hits are, the share is the lines run of all lines."""
    run = sum(count > 0 for count in hits)
    attributes = f'line-rate="{run / len(hits):.4g}" lines-covered="{run}" lines-valid="{len(hits)}"'
    found = parse(report(attributes, source("a", *hits)))
    assert found.share == run / len(hits)
    assert sum(file.missed for file in found.files) == len(hits) - run
