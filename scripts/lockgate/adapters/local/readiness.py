"""Wait until a revision takes connections on its port, or say exactly why it does not."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from lockgate.adapters.clock import Clock
from lockgate.adapters.local import detached, sockets
from lockgate.adapters.local.launch import REVISION, Handle, Launcher, Start
from lockgate.core.redaction import printable, redact, shorten
from lockgate.errors import ServiceExitedError, ServiceNotListeningError, ServiceWrongPortError, TargetError

_POLL_SECONDS = 0.05
_TAIL_LINES = 15
_TAIL_BYTES = 16 * 1024
_TAIL_CHARACTERS = 3000


@runtime_checkable
class TellsEnding(Protocol):
    """A launcher that can say how its revision ended."""

    def ending(self, handle: Handle) -> str:
        """Say how it ended, like `exit code 3`; "" where that cannot be known."""
        ...


def wait_until_listening(
    launcher: Launcher, handle: Handle, start: Start, *, timeout: float, clock: Clock, secrets: Iterable[str]
) -> None:
    """Return once the revision itself takes connections on its port.

    Raise ServiceExitedError, ServiceWrongPortError or ServiceNotListeningError, each with the end of its log, in which
    `secrets` are blanked out.
    """
    deadline = clock.monotonic() + timeout
    while clock.monotonic() < deadline:
        if not launcher.alive(handle):
            raise _exited(launcher, handle, start, secrets)
        if sockets.accepts(start.port):
            # Somebody answers. Where the machine tells, make sure that it is this revision.
            ports = launcher.listening_ports(handle)
            ours = start.port in ports or (not ports and not _anothers(start))
            if ours and launcher.alive(handle):
                return
        clock.sleep(_POLL_SECONDS)
    raise _silent(launcher.listening_ports(handle), start, timeout, secrets)


def _anothers(start: Start) -> bool:
    # A start command may hand the port to a program that is not its child, such as a container engine. Another revision
    # has it where two checkouts chose the same port at the same moment.
    pid = sockets.holder(start.port)
    return pid is not None and detached.variable(pid, REVISION) not in {"", start.revision_id}


def _exited(launcher: Launcher, handle: Handle, start: Start, secrets: Iterable[str]) -> TargetError:
    ending = launcher.ending(handle) if isinstance(launcher, TellsEnding) else ""
    return ServiceExitedError(
        f"{_name(start)} ended while it was being started{f' ({ending})' if ending else ''}.",
        why=_tail(start.log, secrets),
        fix="Run its start command by hand with PORT set. It must stay in the foreground.",
    )


def _silent(ports: frozenset[int], start: Start, timeout: float, secrets: Iterable[str]) -> TargetError:
    others = sorted(ports - {start.port})
    if start.port in ports:
        return ServiceNotListeningError(
            f"{_name(start)} listens on port {start.port}, but takes no connection on {sockets.LOOPBACK}.",
            why=_tail(start.log, secrets),
            fix=f"Let it listen on {sockets.LOOPBACK}, or on all addresses (0.0.0.0).",
        )
    if others:
        return ServiceWrongPortError(
            f"{_name(start)} listens on port {', '.join(map(str, others))} instead of {start.port}.",
            why=f"The port it must use is in the environment variable PORT, and was {start.port}.",
            fix="Let the start command use $PORT.",
        )
    return ServiceNotListeningError(
        f"{_name(start)} runs, and after {timeout:g} s takes no connection on port {start.port}.",
        why=_tail(start.log, secrets),
        fix="Let it listen on $PORT, or raise target.start_timeout if it needs longer.",
    )


def _name(start: Start) -> str:
    return f"{start.release.service} {start.release.version}"


def _tail(log: Path, secrets: Iterable[str]) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError as error:
        return f"its log {log} cannot be read: {error.strerror}"
    lines = redact(printable(text), secrets).strip().splitlines()
    if not lines:
        return "it printed nothing."
    # The last lines are the telling ones, so what is too long is cut from the front of each.
    shown = "\n".join(f"  | {shorten(line, _TAIL_CHARACTERS // _TAIL_LINES)}" for line in lines[-_TAIL_LINES:])
    return f"the last it printed (all of it: {log}):\n{shown}"
