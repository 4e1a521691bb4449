"""A deployment that is asked for: what is taken, and what is said about the rest."""

import pytest

from lockgate.core.board.request import Wanted, WantedError, parse

GOOD = {"platform": "azure", "environment": "production", "branch": "main", "reference": "v1.2"}


@pytest.mark.parametrize("platform", ["azure", "aws", "gcp"])
def test_a_request_that_makes_sense_is_taken_as_it_is(platform):
    """Each platform; the reference may be left out; branches may have slashes, dots and 100 letters."""
    assert parse({**GOOD, "platform": platform}).to_dict() == {**GOOD, "platform": platform}
    assert parse({name: GOOD[name] for name in ("platform", "environment", "branch")}).reference == ""
    for branch in ("a", "x" * 100, "feature/tea-2.0", "release/2026.11"):
        assert parse({**GOOD, "branch": branch}) == Wanted("azure", "production", branch, "v1.2")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"platform": "ibm"}, "platform"),
        ({"platform": "Azure"}, "platform"),
        ({"platform": None}, "platform"),
        ({"environment": ""}, "environment"),
        ({"environment": "../x y"}, "environment"),
        ({"branch": ""}, "branch"),
        ({"branch": "x" * 101}, "branch"),
        ({"branch": 7}, "branch"),
        *(
            ({"branch": name}, "branch")
            for name in ("a..b", "-x", "a b", "a~1", "a:b", "x.lock", "a@{b", "/a", "a/", "a\\b", "\u202e")
        ),
        ({"reference": "$(id)"}, "reference"),
        ({"reference": "a..b"}, "reference"),
        ({"reference": "x" * 201}, "reference"),
        ({"more": 1}, "more"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(change, field):
    """And only that one."""
    with pytest.raises(WantedError) as wrong:
        parse({**GOOD, **change})
    assert set(wrong.value.problems) == {field}


def test_everything_that_is_wrong_is_said_at_once():
    """So that nobody has to ask five times."""
    with pytest.raises(WantedError) as wrong:
        parse({"platform": "x", "branch": ""})
    assert set(wrong.value.problems) == {"platform", "environment", "branch"}
    for body in (None, [], "x", 3):
        with pytest.raises(WantedError, match="body is an object"):
            parse(body)
