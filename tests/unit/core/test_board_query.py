"""Filters and cursors: what a URL may say, and what is said back about the rest."""

import base64

import pytest

from lockgate.core.board.query import PAGE, Filter, Page

WHOLE = {
    "service": "shop",
    "status": "broken",
    "commit": "ABCD12",
    "text": "v1.",
    "since": "2026-11-01",
    "until": "2026-11-01",
}


def test_a_filter_is_what_the_url_says():
    """It survives its way through the URL, without what is empty."""
    found = Filter.parse(WHOLE | {"by": "  ", "page": "3"})
    assert found.commit == "abcd12"
    assert Filter.parse(found.to_query()) == found
    assert "by" not in found.to_query()
    assert (found.begins, found.ends) == ("2026-11-01T00:00:00.000+00:00", "2026-11-02T00:00:00.000+00:00")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"status": "green"}, "status is one of"),
        ({"commit": "abc"}, "commit is the beginning"),
        ({"commit": "xyzxyz"}, "commit is the beginning"),
        ({"text": "ab"}, "text needs 3 letters"),
        ({"since": "yesterday"}, "since is a day like"),
        ({"until": "2026-02-30"}, "until is a day like"),
        ({"until": "9999-12-31"}, "until is a day like"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "is after until"),
        ({"service": "x" * 201}, "at most 200"),
        ({"by": "a\x00b"}, "printable"),
    ],
)
def test_a_filter_that_makes_no_sense_is_explained(query, said):
    """Nothing is guessed, and nothing reaches the database."""
    with pytest.raises(ValueError, match=said):
        Filter.parse(query)


def test_a_cursor_holds_a_place_in_one_search():
    """It survives its way, and is refused by every other search."""
    wanted = Filter.parse(WHOLE)
    page = Page(20, "2026-11-01T10:00:00.000+00:00", "r1", back=True)
    assert Page.parse(page.cursor(wanted), "20", wanted) == page
    assert Page.parse("", "", wanted) == Page(PAGE)
    with pytest.raises(ValueError, match="another search"):
        Page.parse(page.cursor(wanted), "", Filter())


@pytest.mark.parametrize("cursor", ["x", "WzFd", "ü", "W10", "AAAA" * 100, "bnVsbA", "WzEsIngiLCJyIiwwLCJhIl0"])
def test_a_cursor_that_is_none_is_refused(cursor):
    """Whatever it holds, it is an error of the one who asks, not ours."""
    with pytest.raises(ValueError, match="cursor"):
        Page.parse(cursor, "", Filter())


@pytest.mark.parametrize(
    ("at", "rollout"),
    [
        ("2026-W01-1", "r1"),
        ("2026-11-01", "r1"),
        ("2026-11-01T10:00:00.000", "r1"),
        ("2026-11-01T10:00:00.000+00:00:30", "r1"),
        ("0001-01-01T00:00:00.000+23:00", "r1"),
        ("2026-11-01T10:00:00.000+00:00", "r\0"),
        ("2026-11-01T10:00:00.000+00:00", "\ud83d"),
        ("2026-11-01T10:00:00.000+00:00", 1),
        (1, "r1"),
    ],
)
def test_a_cursor_made_by_hand_holds_what_the_ledger_writes_or_is_refused(at, rollout):
    """What only Python takes for a time, or no database for a text, does not reach one."""
    with pytest.raises(ValueError, match="cursor"):
        Page.parse(Page(20, at, rollout).cursor(Filter()), "", Filter())
    deep = base64.urlsafe_b64encode(b"[" * 30_000).decode()
    with pytest.raises(ValueError, match="cursor"):
        Page.parse(deep, "", Filter())


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "٣", "9" * 50, "000001000000000"])
def test_a_page_has_a_size(limit):
    """From 1 to 200."""
    with pytest.raises(ValueError, match="limit is 1 to 200"):
        Page.parse("", limit, Filter())
