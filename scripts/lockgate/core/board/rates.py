"""How often somebody may ask: a bucket of tokens for each, filled at a steady rate."""

from collections import OrderedDict
from dataclasses import dataclass, field

MOST = 20_000
"""Askers remembered. The one who was quiet for longest is forgotten first, and begins with a full bucket."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then so many a second."""

    burst: int
    per_second: float


@dataclass(slots=True)
class Buckets:
    """The buckets of one rate."""

    rate: Rate
    _kept: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, who: str, now: float) -> float:
        """Take one; give 0.0, or the seconds until there is one again."""
        left, at = self._kept.pop(who, (float(self.rate.burst), now))
        left = min(self.rate.burst, left + (now - at) * self.rate.per_second)
        short = max(0.0, 1.0 - left)
        self._kept[who] = (left if short else left - 1.0, now)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return short / self.rate.per_second
