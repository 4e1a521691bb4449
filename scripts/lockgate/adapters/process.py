"""Run a program to its end: bounded in time and output, in its own process group, leaving nothing behind."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lockgate.adapters import tracing

TAIL_BYTES = 64 * 1024
GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
"""How often the wish to stop is looked at."""
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended."""

    code: int
    """Exit code; negative is the signal that ended it."""
    seconds: float
    tail: str
    """The last 64 KiB of what it printed: both streams as one, or standard error where `stdout` goes to a file."""
    timed_out: bool = False


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    on_line: Callable[[str], None] | None = None,
    stdout: IO[bytes] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Completed:
    """Run `argv` and wait. FileNotFoundError and PermissionError mean that it could not be started.

    On a timeout, or when this process is interrupted, the whole process group gets SIGTERM, five seconds, SIGKILL.
    `on_line` sees every line as it comes, unescaped: it is text from outside. Where `stop` says so, the program is
    ended and KeyboardInterrupt raised: for threads, in which no signal can raise it.
    """
    started = time.monotonic()
    tail = bytearray()
    timed_out = False
    with ExitStack() as stack:
        with _signals_held():
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stdout if stdout is not None else subprocess.PIPE,
                stderr=subprocess.PIPE if stdout is not None else subprocess.STDOUT,
                start_new_session=True,
            )
            stream = process.stderr if stdout is not None else process.stdout
            reader = tracing.thread(_drain, stream, tail, on_line)
            reader.start()
            stack.callback(_end, process, reader)
        try:
            _wait(process, timeout, stop)
        except subprocess.TimeoutExpired:
            timed_out = True
    return Completed(process.returncode, time.monotonic() - started, tail.decode(errors="replace"), timed_out)


def run_shell(
    command: str,
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    on_line: Callable[[str], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Completed:
    """Run a command line of the user's own config through `sh`, as they would type it."""
    return run(["/bin/sh", "-c", command], cwd=cwd, env=env, timeout=timeout, on_line=on_line, stop=stop)


def end_group(pid: int, *, grace: float = GRACE_SECONDS, reap: Callable[[], object] = lambda: None) -> None:
    """End every process of the group `pid` leads: SIGTERM, `grace` seconds, SIGKILL. One that is gone is ended.

    `reap` is called while waiting: the parent of the leader must collect it, else its zombie keeps the group alive.
    """
    if not _signal_group(pid, signal.SIGTERM):
        return
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        reap()
        if not _signal_group(pid, 0):
            return
        time.sleep(0.02)
    _signal_group(pid, signal.SIGKILL)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let a signal that comes in this block take effect at its end: a program that is being started is nobody's yet.

    Only the main thread hears signals, and what is ignored stays ignored, here and in the program.
    """
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _HELD if callable(signal.getsignal(number))}
    for number in before:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)


def _end(process: "subprocess.Popen[bytes]", reader: threading.Thread) -> None:
    end_group(process.pid, reap=process.poll)
    process.wait()
    # A grandchild that escaped the group may hold the pipe open: do not wait for it for ever.
    reader.join(GRACE_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", timeout: float, stop: Callable[[], bool]) -> None:
    deadline = time.monotonic() + timeout
    while True:
        if stop():
            raise KeyboardInterrupt
        left = deadline - time.monotonic()
        try:
            process.wait(max(0.0, min(left, _LOOK_SECONDS)))
        except subprocess.TimeoutExpired:
            if left <= _LOOK_SECONDS:
                raise
        else:
            return


def _signal_group(pid: int, number: int) -> bool:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _drain(stream: IO[bytes] | None, tail: bytearray, on_line: Callable[[str], None] | None) -> None:
    if stream is None:
        return
    with stream:
        while line := stream.readline(TAIL_BYTES):
            tail += line
            del tail[:-TAIL_BYTES]
            if on_line is not None:
                on_line(line.decode(errors="replace").rstrip("\r\n"))
