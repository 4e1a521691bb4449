"""The port of each slot: chosen for each revision, and written where the proxy reads it for every request.

A slot without a revision has no port to keep: whoever takes it meanwhile, another checkout's slot for example, is no
reason why the next release could not start.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from lockgate.adapters.local import sockets
from lockgate.adapters.local.traffic import Slot
from lockgate.adapters.state import explained, write_atomically
from lockgate.errors import PortTakenError

_FIRST, _COUNT = 20000, 10000
"""Below the ports that Linux (32768 on) and macOS (49152 on) hand out to outgoing connections by themselves: one of
those could be taken by anybody between its choice and the service's start."""
_SUFFIX = ".port"
_ONE_AT_A_TIME = Lock()
"""Many targets are started by the threads of one process."""


def file_name(slot: Slot) -> str:
    """Name the file with a slot's port, in the folder that the proxy runs in."""
    return f"{slot}{_SUFFIX}"


def choose(folder: Path, slot: Slot, targets: Path) -> int:
    """Write and give a port that nobody has, and that was chosen for no other slot of the `targets`.

    The slot must have no traffic. Raise PortTakenError where no port is left, or StateError.
    """
    path = folder / file_name(slot)
    with _ONE_AT_A_TIME:
        # A revision that is being started holds its port by that file alone: nobody listens there yet.
        taken = set(_written(targets, but=path))
        # Two processes that choose at the same moment look at different places, so that they do not meet.
        start = secrets.randbelow(_COUNT)
        for offset in range(_COUNT):
            port = _FIRST + (start + offset) % _COUNT
            if port not in taken and sockets.is_free(port):
                keep(folder, slot, port)
                return port
    raise PortTakenError(
        f"No port between {_FIRST} and {_FIRST + _COUNT - 1} is free on {sockets.LOOPBACK}.",
        fix="End what listens there, then deploy again.",
    )


def keep(folder: Path, slot: Slot, port: int) -> None:
    """Have the proxy find a slot's revision on this port; raise StateError."""
    path = folder / file_name(slot)
    if _read(path) != port:
        write_atomically(path, f"{port}\n")


def _written(targets: Path, but: Path) -> Iterator[int]:
    for path in targets.rglob(f"*{_SUFFIX}"):
        if path != but and (port := _read(path)):
            yield port


def _read(path: Path) -> int:
    """Give the port in a file, or 0 where there is none, or nothing that is one."""
    with explained(path):
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return 0
    return int(text) if text.strip().isdigit() else 0
