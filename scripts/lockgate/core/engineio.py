"""Read the first packets of a Socket.IO server: Engine.IO protocol 4 below, Socket.IO protocol 5 on top of it.

An Engine.IO packet is a digit and what follows: 0 opens and holds JSON, 4 is a message. In a message of Socket.IO 0
means connected, 4 refused. Source: the protocol pages of socket.io.
"""

import json

from lockgate.core.redaction import printable, shorten

QUERY = "EIO=4&transport="
CONNECT = "40"
_SEPARATOR = "\x1e"
"""Between packets of one polling answer."""
_LONGEST_SHOWN = 80


def fault_of_open(text: str) -> str:
    """Say what is wrong with the packet that opens a session; "" where nothing is."""
    first = text.split(_SEPARATOR, 1)[0]
    if not first.startswith("0"):
        return f"expected an open packet of Engine.IO 4, got {_shown(first)}"
    try:
        session = json.loads(first[1:])
    except (ValueError, RecursionError):
        return f"the open packet holds no JSON: {_shown(first)}"
    if not isinstance(session, dict) or not isinstance(session.get("sid"), str) or not session["sid"]:
        return f"the open packet names no session: {_shown(first)}"
    for key in ("pingInterval", "pingTimeout"):
        value = session.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            return f"the open packet has no {key}: {_shown(first)}"
    return ""


def session_of(text: str) -> str:
    """Give the session of an open packet that has no fault."""
    return str(json.loads(text.split(_SEPARATOR, 1)[0][1:])["sid"])


def fault_of_connect(text: str) -> str:
    """Say what is wrong with the answer to a wish to connect; "" where nothing is."""
    if text.startswith("44"):
        return f"the server refused to connect: {_shown(text)}"
    return "" if text.startswith("40") else f"expected to be connected, got {_shown(text)}"


def _shown(text: str) -> str:
    return shorten(printable(text), _LONGEST_SHOWN) or "nothing"
