"""Percentiles of a stream of latencies in constant memory."""

import math
from dataclasses import dataclass, field

_GROWTH = math.log(1.02)


@dataclass(slots=True)
class Latencies:
    """Counts by buckets that each grow by 2 %, so a percentile is right to 2 %."""

    _counts: dict[int, int] = field(default_factory=dict)
    _total: int = 0

    def add(self, seconds: float) -> None:
        """Count one latency."""
        bucket = math.ceil(math.log(max(seconds, 1e-6)) / _GROWTH)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._total += 1

    def percentile(self, share: float) -> float | None:
        """Give the latency in seconds that `share` of all do not exceed; None where there are none."""
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= share * self._total:
                return round(math.exp(bucket * _GROWTH), 6)
        return None
