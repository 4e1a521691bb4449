"""A judge like Kayenta's: Mann and Whitney's test of 60 one-minute error rates against a fresh baseline's, once.

Read in NetflixACAJudge.scala: confidence 0.98, tolerance 0.25, both fixed; a metric is High where the lower confidence
limit of the shift lies above 0.25 times its Hodges-Lehmann estimate and the means' ratio is at least 1. The noise that
Kayenta adds to two constant series is left out; it matters only where all is bad, or all is good.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from bench.gates.streams import HEALTHY, Stream, steady

MINUTES = 60
TOLERANCE = 0.25
QUANTILE = NormalDist().inv_cdf(0.5 + 0.98 / 2)


@dataclass(frozen=True, slots=True)
class Kayenta:
    """Judges once, after an hour."""

    name: str = "a judge like Kayenta's (60 min, against a baseline)"

    def fails_at(self, stream: Stream) -> float | None:
        """Compare with a healthy stream of the same rate."""
        length = MINUTES * 60.0
        if stream.seconds < length:
            return None
        baseline = steady(stream.rng, stream.rate, length, HEALTHY)
        return length if is_high(_per_minute(baseline), _per_minute(stream)) else None


def is_high(control: Sequence[float], experiment: Sequence[float]) -> bool:
    """Say whether the experiment is significantly above the control."""
    old, new = sorted(control), sorted(experiment)
    if old == new or sum(new) < sum(old):
        return False
    lower, estimate = _shift(old, new, QUANTILE), _shift(old, new, 0.0)
    return lower > abs(TOLERANCE * estimate) + 1e-6  # a root is found to less than that


def _per_minute(stream: Stream) -> list[float]:
    counts = [0] * MINUTES
    for bad in stream.bads:
        minute = int(bad / stream.rate / 60)
        if minute >= MINUTES:
            break
        counts[minute] += 1
    return [count / (60 * stream.rate) for count in counts]


def _shift(old: Sequence[float], new: Sequence[float], quantile: float) -> float:
    """Give the shift at which the standardised rank sum of `new` less the shift crosses `quantile`, by bisection."""
    low, high = new[0] - old[-1] - 1e-9, new[-1] - old[0] + 1e-9
    for _ in range(40):
        middle = (low + high) / 2
        if _score(old, new, middle) > quantile:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(old: Sequence[float], new: Sequence[float], shift: float) -> float:
    """Give the standardised Mann-Whitney statistic with R's corrections for ties and, in limits, for continuity."""
    moved = [round(value - shift, 12) for value in new]
    old = [round(value, 12) for value in old]
    above = sum((bisect_left(old, value) + bisect_right(old, value)) / 2 for value in moved)
    m, n = len(new), len(old)
    ties = sum(count**3 - count for count in Counter([*moved, *old]).values())
    variance = m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1)))
    difference = above - m * n / 2
    return difference / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, difference)
