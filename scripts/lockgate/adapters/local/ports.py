"""The port of each slot: chosen once for an environment, and kept, because the proxy's configuration names it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from lockgate.adapters.local import sockets
from lockgate.adapters.local.traffic import Slot
from lockgate.adapters.state import explained, write_json
from lockgate.errors import PortTakenError, StateDamagedError

_FIRST, _COUNT = 20000, 10000
"""Below the ports that Linux (32768 on) and macOS (49152 on) hand out to outgoing connections by themselves: one of
those could be taken at any moment between two deployments."""
_ONE_AT_A_TIME = Lock()
"""Many targets are first started by the threads of one process."""


def remembered(path: Path) -> Mapping[Slot, int] | None:
    """Give the ports that were chosen, or None before the first start; raise StateError where the file is damaged."""
    with explained(path):
        if not path.exists():
            return None
        text = path.read_text(encoding="utf-8")
    try:
        value = json.loads(text)
        return {slot: int(value[slot]) for slot in Slot}
    except (ValueError, TypeError, KeyError) as error:
        raise StateDamagedError(
            f"{path} is damaged: it must name a port for blue and one for green.",
            fix="Restore it; the ports stand in caddy.json beside it.",
        ) from error


def chosen(path: Path, targets: Path) -> Mapping[Slot, int]:
    """Give the remembered ports, choosing free ones at the first start that no other of the `targets` has chosen."""
    if (known := remembered(path)) is not None:
        return known
    with _ONE_AT_A_TIME:
        # A slot that is empty holds its port by this file alone: nobody listens there who would be found.
        taken = {port for other in targets.rglob(path.name) for port in (remembered(other) or {}).values()}
        ports: dict[Slot, int] = {}
        for slot in Slot:
            ports[slot] = _free_port(str(path), taken=frozenset(taken.union(ports.values())))
        write_json(path, ports)
    return ports


def _free_port(seed: str, taken: frozenset[int]) -> int:
    # Two environments, or two checkouts, start looking at different places, so that they do not meet.
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4])
    for offset in range(_COUNT):
        port = _FIRST + (start + offset) % _COUNT
        if port not in taken and sockets.is_free(port):
            return port
    raise PortTakenError(f"No port between {_FIRST} and {_FIRST + _COUNT - 1} is free on {sockets.LOOPBACK}.")
