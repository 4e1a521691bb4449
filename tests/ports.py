"""Ports for what tests start, each given to one test of this machine at a time."""

import fcntl
import getpass
import tempfile
from pathlib import Path

from lockgate.adapters.local import sockets

_FIRST, _COUNT = 10000, 10000
"""Below those that Lockgate chooses for its slots, and those that the machine gives to outgoing connections: one of the
latter, free now, may be an unrelated client's when the server that it is meant for starts."""
_LAST_GIVEN = Path(tempfile.gettempdir(), f"lockgate-tests-port-{getpass.getuser()}")


def free_port() -> int:
    """Give a port that nobody listens on, and that no other test is given before 10,000 more were."""
    with _LAST_GIVEN.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = int(file.read() or _FIRST)
        following = (_FIRST + (last + step - _FIRST) % _COUNT for step in range(1, _COUNT))
        port = next(port for port in following if sockets.is_free(port))
        file.truncate(0)
        file.write(str(port))
        return port
