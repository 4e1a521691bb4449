"""What a server's WebSocket sends, cut and read by hand."""

import json
from dataclasses import dataclass
from datetime import datetime

TEXT, CLOSE, PING = 0x81, 0x88, 0x89
"""First bytes of whole frames."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, read once for all who got the same."""

    head: str
    positions: tuple[int, ...]
    at: tuple[float, ...]
    resync: bool


def read_frame(text: bytes) -> Frame:
    """Read a message of the board's."""
    said = json.loads(text)
    events = said.get("events", [])
    return Frame(
        said.get("head", ""),
        tuple(one["position"] for one in events),
        tuple(datetime.fromisoformat(one["at"]).timestamp() for one in events),
        said.get("type") == "resync",
    )


def cut(buffer: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Cut what came into whole frames, (first byte, payload), and the rest. A server's frames are not masked."""
    found: list[tuple[int, bytes]] = []
    at, size = 0, len(buffer)
    while size - at >= 2:
        length, begin = buffer[at + 1], at + 2
        if length == 126:
            length, begin = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
        elif length == 127:
            length, begin = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
        if size < begin or size - begin < length:
            break
        found.append((buffer[at], buffer[begin : begin + length]))
        at = begin + length
    return found, buffer[at:]
