"""Processes that outlive the command that started them, found again by process id and start time."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lockgate.errors import TargetError

_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self/stat").exists()
_KILL_SECONDS = 10.0
"""Nothing refuses SIGKILL, but a machine under load takes its time."""
_POLL_SECONDS = 0.03
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Those that this very process started: only their parent can collect them, and learn how they ended."""


@dataclass(frozen=True, slots=True)
class Detached:
    """A process that leads its own session. The start time tells it from a later one with the same id."""

    pid: int
    started: str

    def to_dict(self) -> dict[str, Any]:
        """Give the form that is kept on disk."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Detached":
        """Read the form that is kept on disk; raise KeyError, TypeError or ValueError where it is not one."""
        return cls(int(value["pid"]), str(value["started"]))


def spawn(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> Detached:
    """Start a program in a session of its own, with no input and its output going to `log`.

    Raise TargetError where it cannot be started at all, OSError where the log cannot be opened.
    """
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise TargetError(
                f"{argv[0]} could not be started in {cwd}: {error.strerror or error}.",
                fix="Check that both exist and that this user may use them.",
            ) from error
    _CHILDREN[child.pid] = child
    # Not collected yet, so even one that has already ended is still there to be asked.
    return Detached(child.pid, _look(child.pid)[1])


def alive(process: Detached) -> bool:
    """Whether this very process still runs; a zombie does not, nor does another one with its id."""
    exit_code(process)
    state, started = _look(process.pid)
    if state and state in "ZX":
        _collect(process)
        return False
    return state != "" and started == process.started


def exit_code(process: Detached) -> int | None:
    """Give the exit code of one that ended, negative for a signal; None where it runs, or its parent is another."""
    child = _CHILDREN.get(process.pid)
    return child.poll() if child is not None else None


def stop(process: Detached, grace: float) -> None:
    """End the whole session: SIGTERM to its group, up to `grace` seconds, SIGKILL to all that is left."""
    exit_code(process)
    state, started = _look(process.pid)
    if state and started != process.started:
        return  # The id belongs to a stranger now, and an id is only given away once its group is gone.
    _signal_group(process.pid, signal.SIGTERM)
    if not _gone_within(grace, process):
        _signal_group(process.pid, signal.SIGKILL)
        for pid in session(process):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _gone_within(_KILL_SECONDS, process)
    _collect(process)


def session(process: Detached) -> frozenset[int]:
    """Give the ids of all processes of its session, as far as /proc tells; empty where there is no /proc."""
    found = set()
    for entry in _PROC.glob("[0-9]*"):
        fields = _stat(int(entry.name))
        if fields and fields[0] not in "ZX" and int(fields[3]) == process.pid:
            found.add(int(entry.name))
    return frozenset(found)


def find(variable: str, value: str) -> Detached | None:
    """Find a session leader by its environment, as far as /proc tells: one whose start was cut off unrecorded."""
    wanted = f"{variable}={value}".encode()
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            if wanted not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            pid = int(entry.name)
            fields = _stat(pid)
            if fields and fields[0] not in "ZX" and int(fields[3]) == pid:
                return Detached(pid, fields[19])
    return None


def variable(pid: int, name: str) -> str:
    """Give a variable that a process was started with; "" where it has none, or /proc does not tell."""
    start = f"{name}=".encode()
    with suppress(OSError):
        for each in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            if each.startswith(start):
                return each.removeprefix(start).decode(errors="replace")
    return ""


def _collect(process: Detached) -> None:
    # Its parent can, and a program of several threads only when the last of them is gone, a moment after its first.
    if child := _CHILDREN.get(process.pid):
        with suppress(subprocess.TimeoutExpired):
            child.wait(_KILL_SECONDS)


def _gone_within(seconds: float, process: Detached) -> bool:
    deadline = time.monotonic() + seconds
    while _remains(process):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _remains(process: Detached) -> bool:
    exit_code(process)
    if _HAS_PROC:
        # Not by asking for the group: that goes on to exist as long as nobody collects its zombies, which in a
        # container without an init is for ever.
        return bool(session(process))
    return _signal_group(process.pid, 0)


def _signal_group(pid: int, number: int) -> bool:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _look(pid: int) -> tuple[str, str]:
    """Give the state letter and the start time of a process; empty strings where there is none."""
    if _HAS_PROC:
        fields = _stat(pid)
        return (fields[0], fields[19]) if fields else ("", "")
    return _ask_ps(pid)


def _stat(pid: int) -> list[str]:
    # proc_pid_stat(5), from field 3 on: state, ppid, pgrp, session, ... and field 22, the start time in clock ticks
    # since boot. The name before them may hold spaces and parentheses.
    try:
        text = _PROC.joinpath(str(pid), "stat").read_text(errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _ask_ps(pid: int) -> tuple[str, str]:
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "PATH": "/bin:/usr/bin"},
    )
    state, _, started = done.stdout.strip().partition(" ")
    return state[:1], started.strip()
