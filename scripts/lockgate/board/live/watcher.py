"""Somebody who hears what happens: by a WebSocket, or as server-sent events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lockgate.board.live.framed import Offer
from lockgate.board.live.rooms import Room


@dataclass(eq=False, slots=True)
class Watcher:
    """One live connection."""

    room: Room
    send: Callable[[str], Awaitable[None]]
    drop: Callable[[], None]
    """End it: it was too slow, or is gone."""
    person: str = ""
    offer: Offer | None = None
    """Takes a frame at once, where the connection's server can."""
    seen: int = 0
    """The position it has; nothing up to there is sent again."""
