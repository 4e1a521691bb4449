"""How long a process stood ready while others had the CPU: what a busy machine adds to a measured time."""

from pathlib import Path

_DELAY = 1
"""The second number of /proc/PID/schedstat is that time, in nanoseconds: Linux, Documentation/scheduler/sched-stats."""


class Waiting:
    """The time that some processes have waited so far. One that the kernel tells nothing of has not waited."""

    def __init__(self, *pids: int | str) -> None:
        self._files = [Path(f"/proc/{pid}/schedstat") for pid in pids]

    def so_far(self) -> list[float]:
        """Give it for each, in seconds."""
        return [_read(file) for file in self._files]

    def since(self, before: list[float]) -> float:
        """Give what the one of them that waited longest has waited since: they may have waited at the same time."""
        return max(now - then for now, then in zip(self.so_far(), before, strict=True))


def _read(file: Path) -> float:
    try:
        return int(file.read_text().split()[_DELAY]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
