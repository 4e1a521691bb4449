"""Find and end what a run has started: services outlive the job that deployed them, and must not outlive the demo."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from demo.sandbox import Sandbox

GRACE_SECONDS = 3.0


def end_all(sandbox: Sandbox) -> int:
    """End every process whose home lies in the sandbox, and say how many there were: nobody else lives there."""
    started = set(_living(sandbox))
    _signal(started, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := set(_living(sandbox))) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(left, signal.SIGKILL)
    return len(started)


def _living(sandbox: Sandbox) -> Iterator[int]:
    home = f"HOME={sandbox.root}/".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if any(one.startswith(home) for one in (entry / "environ").read_bytes().split(b"\0")):
                yield int(entry.name)
        except OSError:
            continue  # gone, or somebody else's


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
