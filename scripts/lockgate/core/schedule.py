"""When each stream of questions is due: by the clock alone, never by what was answered."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
STALLED = 1.0
"""Seconds after which missed questions are left out, all but the last of each stream.

The asker slept, and asking all at once would only be a burst of load.
"""


@dataclass(slots=True)
class Schedule(Generic[T]):
    """Streams, each due at its phase and then every period, in seconds since the start."""

    left_out: int = 0
    """Questions that were never asked, because the asker itself was too late."""
    _heap: list[tuple[float, int, float, T]] = field(default_factory=list)

    def add(self, stream: T, *, period: float, phase: float = 0.0) -> None:
        """Add a stream; `period` is more than 0."""
        heapq.heappush(self._heap, (phase, len(self._heap), period, stream))

    def due(self, t: float) -> Iterator[tuple[float, T]]:
        """Give what is due by `t`, earliest first, each with the time at which it was due."""
        while self._heap and self._heap[0][0] <= t:
            when, order, period, stream = self._heap[0]
            missed = int((t - when) // period) if t - when > STALLED else 0
            when += missed * period
            self.left_out += missed
            heapq.heapreplace(self._heap, (when + period, order, period, stream))
            yield when, stream

    @property
    def next(self) -> float:
        """When something is due next; infinity where nothing ever is."""
        return self._heap[0][0] if self._heap else float("inf")
