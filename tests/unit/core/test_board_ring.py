"""The last events of the live feed, for those who come back."""

from lockgate.board.live.ring import Ring
from lockgate.core.board.rows import FeedItem, Head
from lockgate.core.ledger import LedgerEvent


def items(first, last):
    event = LedgerEvent("r1", 0, "2026-03-04T12:00:00.000+00:00", "rollout.started", "shop", "production", {})
    return [FeedItem(Head(position, f"{position:064}"), event) for position in range(first, last + 1)]


def test_it_gives_what_came_after_a_position_as_far_as_it_goes_back():
    """In order; the oldest make room; nothing after the end, and everything that is left where more is asked for."""
    ring = Ring(4)
    assert (ring.after(0), ring.at(0)) == ([], None)
    ring.extend(items(7, 12))
    assert [one.head.position for one in ring.after(10)] == [11, 12]
    assert [one.head.position for one in ring.after(2)] == [9, 10, 11, 12]
    assert ring.after(12) == ring.after(90) == []
    assert [ring.at(position) and ring.at(position).head.position for position in (8, 9, 12, 13)] == [None, 9, 12, None]
    ring.clear()
    assert (ring.after(0), ring.at(9)) == ([], None)
