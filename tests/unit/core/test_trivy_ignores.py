"""What a Dockerfile hides from its scan is found in its text: Trivy 0.76.0 says nothing of it."""

import pytest

from lockgate.core.scan_policy import Policy, judge
from lockgate.core.trivy_ignores import LIMIT_BYTES, hidden, in_dockerfile


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"#trivy:ignore:*", "*"),
        (b"# why: trivy:ignore:DS-0001", "DS-0001"),
        (b"#tfsec:ignore:AVD-DS-0001 more", "AVD-DS-0001"),
        (b"#trivy:exp:2030-01-01:ignore:DS-0001", "DS-0001"),
        (b"#trivy:ignore:DS-0001:exp:2030-01-01", "DS-0001"),
        (b"#trivy:ignore:DS-0001[user=root]", "DS-0001"),
        (b"#trivy:a\tb:x:ignore:DS-0001\r", "DS-0001"),
        (b"RUN echo trivy:ignore:DS-*", "DS-*"),
        (b"#trivy:ignore:\xff\x1b[31m", "\N{REPLACEMENT CHARACTER}" * 2),
        (b"#trivy:ignore:", "*"),
    ],
)
def test_a_mark_in_any_line_is_found(line, rule):
    """With the rule it names and its line; harmless to show."""
    (found,) = in_dockerfile(b"FROM a:1\n" + line + b"\nEXPOSE 22\n", "my app/Dockerfile")
    assert (found.id, found.place, found.hidden) == (rule, "my app/Dockerfile:2", True)


@pytest.mark.parametrize(
    "line", [b"FROM aquasec/trivy:0.76.0", b"# trivy is told to ignore: this", b"COPY .trivyignore ."]
)
def test_other_lines_hide_nothing(line):
    """Only what Trivy obeys is a mark."""
    assert list(in_dockerfile(line, "Dockerfile")) == []


def test_what_is_too_long_to_be_looked_through_may_hide_anything():
    """Nothing that could not be looked at passes."""
    assert list(in_dockerfile(b" " * (LIMIT_BYTES + 1), "Dockerfile")) == [hidden("*", "Dockerfile")]


def test_what_is_hidden_blocks_by_any_policy():
    """How bad it is is not known, so no severity lets it through."""
    assert judge([hidden("*", "Dockerfile")], Policy(frozenset(), ignore_unfixed=True)).blocking
