"""The last events, for those who come back: after a switch of the board that is everybody, in a few seconds."""

from collections import deque
from collections.abc import Iterable
from itertools import islice

from lockgate.core.board.rows import FeedItem


class Ring:
    """Events without a gap between them, the oldest of which make room. Positions follow each other by one."""

    def __init__(self, most: int) -> None:
        self._items: deque[FeedItem] = deque(maxlen=most)

    def extend(self, items: Iterable[FeedItem]) -> None:
        """Add the newest."""
        self._items.extend(items)

    def clear(self) -> None:
        """Forget all of them."""
        self._items.clear()

    def at(self, position: int) -> FeedItem | None:
        """Give the one at a position, where it is still there."""
        if not self._items:
            return None
        index = position - self._items[0].head.position
        found = self._items[index] if 0 <= index < len(self._items) else None
        return found if found and found.head.position == position else None

    def after(self, position: int) -> list[FeedItem]:
        """Give those after a position, in order, as far as they are still there."""
        count = self._items[-1].head.position - position if self._items else 0
        if count <= 0:
            return []
        return list(islice(reversed(self._items), min(count, len(self._items))))[::-1]
