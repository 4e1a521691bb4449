"""Streams of good and bad samples, told by their bad ones: a healthy half hour at 20 a second is 180 numbers."""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

HEALTHY = 0.005
"""The bad rate of a healthy release, which is also the objective: the edge of what must not be failed."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Samples at `rate` a second for `seconds`; `bads` gives the numbers of the bad ones, rising, once."""

    rate: float
    seconds: float
    bads: Iterator[int]
    rng: random.Random
    """For a rule that needs a second stream to compare with."""

    @property
    def samples(self) -> int:
        """Give how many there are."""
        return round(self.rate * self.seconds)

    def time(self, index: int) -> float:
        """Give when a sample is taken, in seconds; the first comes one gap after the start."""
        return (index + 1) / self.rate


def steady(rng: random.Random, rate: float, seconds: float, bad_rate: float) -> Stream:
    """Give independent samples."""
    samples = round(rate * seconds)
    return Stream(rate, seconds, _independent(rng, bad_rate, 0, samples), rng)


def late(rng: random.Random, rate: float, seconds: float, bad_rate: float, onset: float) -> Stream:
    """Give samples that are healthy until `onset`."""
    begin, samples = round(rate * onset), round(rate * seconds)
    bads = itertools.chain(_independent(rng, HEALTHY, 0, begin), _independent(rng, bad_rate, begin, samples))
    return Stream(rate, seconds, bads, rng)


def bursty(rng: random.Random, rate: float, seconds: float, mean_burst: float, density: float) -> Stream:
    """Give Gilbert-Elliott samples: bursts of mean length `mean_burst` in which a share `density` is bad.

    Lengths of bursts and of the quiet between them are exponential; outside bursts every sample is good; over all
    time a share HEALTHY is bad.
    """
    return Stream(rate, seconds, _in_bursts(rng, rate, seconds, mean_burst, density), rng)


def _independent(rng: random.Random, bad_rate: float, begin: int, end: int) -> Iterator[int]:
    if bad_rate >= 1:
        yield from range(begin, end)
        return
    scale, index = 1 / math.log1p(-bad_rate), begin
    while (index := index + int(math.log(1 - rng.random()) * scale)) < end:
        yield index
        index += 1


def _in_bursts(rng: random.Random, rate: float, seconds: float, mean_burst: float, density: float) -> Iterator[int]:
    share = HEALTHY / density
    mean_quiet = mean_burst * (1 - share) / share
    t, burst, samples = 0.0, rng.random() < share, round(rate * seconds)
    while t < seconds:
        lasts = rng.expovariate(1 / (mean_burst if burst else mean_quiet))
        if burst:
            first, end = math.ceil(t * rate), min(samples, math.ceil((t + lasts) * rate))
            yield from (index for index in range(first, end) if density >= 1 or rng.random() < density)
        t, burst = t + lasts, not burst
