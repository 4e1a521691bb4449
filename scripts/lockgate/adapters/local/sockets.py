"""What this machine tells about TCP ports on 127.0.0.1: on Linux everything, elsewhere some answers are "unknown"."""

import re
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TextIO

LOOPBACK = "127.0.0.1"
_PROC = Path("/proc")
_ESTABLISHED, _LISTEN = "01", "0A"
_IN_USE = re.compile(
    rf"^ *\d+: (\w+):(\w+) (\w+):(\w+) ({_ESTABLISHED}|{_LISTEN}) \S+ \S+ \S+ +\d+ +\d+ (\d+)", re.MULTILINE
)
"""A line of proc_net(5): sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode, the addresses in hex.
Only of sockets in use: a busy machine has thousands that wait for late packets, and this is asked many times."""
_HEADER = "  sl "
_LOOPBACK_HEX = f"{int.from_bytes(socket.inet_aton(LOOPBACK), sys.byteorder):08X}"
_CONNECT_SECONDS = 1.0
_HANG_UP_SECONDS = 0.05
"""An HTTP server waits for the request; one that hangs up at once is a forwarder with nobody behind it, such as
docker-proxy before the service in the container listens."""


@dataclass(frozen=True, slots=True)
class _Socket:
    local: str
    local_port: int
    remote: str
    remote_port: int
    state: str
    inode: str


def is_free(port: int) -> bool:
    """Whether a program of ours could listen on this port now."""
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_SECONDS)
        # macOS lets one bind beside a listener on all addresses, so the bind alone would not tell.
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether somebody takes a connection on this port and does not hang up at once."""
    try:
        with socket.create_connection((LOOPBACK, port), _CONNECT_SECONDS) as connection:
            connection.settimeout(_HANG_UP_SECONDS)
            return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def listening(pids: Iterable[int]) -> frozenset[int]:
    """Give the ports these processes listen on; empty where the machine does not tell."""
    held = {inode for pid in pids for inode in _inodes(pid)}
    return frozenset(each.local_port for each in _listeners() if each.inode in held)


def listeners(port: int) -> int | None:
    """How many sockets listen on this port of 127.0.0.1; None where the machine does not tell."""
    if not tells():
        return None
    return sum(each.local_port == port and each.local.endswith(_LOOPBACK_HEX) for each in _listeners())


def connections(port: int) -> int | None:
    """How many connections from this machine to this port are open; None where the machine does not tell."""
    if not tells():
        return None
    # Counted at the client's end: that is there for processes and for containers alike.
    return sum(each.remote_port == port and each.remote.endswith(_LOOPBACK_HEX) for each in _connected())


def owner(port: int) -> str:
    """Name who listens on this port, like `python3 (process 123)`; "" where the machine does not tell."""
    if pid := holder(port):
        with suppress(OSError):
            return f"{(_PROC / str(pid) / 'comm').read_text(errors='replace').strip()} (process {pid})"
    return ""


def holder(port: int) -> int | None:
    """Give a process that listens on this port; None where there is none, or the machine does not tell."""
    wanted = {each.inode for each in _listeners() if each.local_port == port}
    pids = (int(entry.name) for entry in _PROC.glob("[0-9]*")) if wanted else ()
    return next((pid for pid in pids if wanted.intersection(_inodes(pid))), None)


def tells() -> bool:
    """Whether this machine tells who listens and who is connected."""
    return (_PROC / "net/tcp").exists()


def _listeners() -> Iterator[_Socket]:
    # The kernel lists who listens first (networking/proc_net_tcp), and makes the table while it is read: where
    # thousands are connected, not reading on to them saves nearly all of the time.
    yield from _parsed(lambda file: "".join(takewhile(_listens, file)))


def _connected() -> Iterator[_Socket]:
    yield from (each for each in _parsed(lambda file: file.read()) if each.state == _ESTABLISHED)


def _listens(line: str) -> bool:
    return line.startswith(_HEADER) or line.split(maxsplit=4)[3] == _LISTEN


def _parsed(read: Callable[[TextIO], str]) -> Iterator[_Socket]:
    for name in ("tcp", "tcp6"):
        try:
            with (_PROC / "net" / name).open() as file:
                table = read(file)
        except OSError:
            continue
        for local, local_port, remote, remote_port, state, inode in _IN_USE.findall(table):
            yield _Socket(local, int(local_port, 16), remote, int(remote_port, 16), state, inode)


def _inodes(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for link in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    yield target[8:-1]
