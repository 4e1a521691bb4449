"""A message as it is on the wire of a WebSocket, for servers that take it so."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope
from websockets.frames import Frame, Opcode

EXTENSION = "lockgate.framed"
Offer = Callable[[bytes], bool]
"""Takes a whole frame; False where it was not taken and has to go the usual way, which waits and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text with its frame, which is the same for everybody: a server masks nothing, and ours compresses nothing."""

    text: str
    frame: bytes

    @classmethod
    def of(cls, text: str) -> "Message":
        """Frame a text."""
        return cls(text, Frame(Opcode.TEXT, text.encode()).serialize(mask=False))


def offer_of(scope: Scope) -> Offer | None:
    """Give what takes frames for this connection, where its server has that."""
    found: Offer | None = scope.get("extensions", {}).get(EXTENSION, {}).get("offer")
    return found
