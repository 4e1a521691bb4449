"""Run rules on streams, on all cores, and sum up. All rules judge the same streams."""

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from bench.gates.rules import Rule
from bench.gates.streams import Stream

Maker = partial[Stream]
"""A function of `streams` and all its arguments but the source of randomness."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A rule, the streams it is to judge, and how many of them."""

    rule: Rule
    maker: Maker
    runs: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """When a rule failed each of the streams; None where it did not."""

    times: tuple[float | None, ...]
    seconds: float
    """How long the streams were."""

    @property
    def share(self) -> float:
        """Give the share that was failed."""
        return sum(t is not None for t in self.times) / len(self.times)

    @property
    def mean(self) -> float:
        """Give the mean time; a stream that was not failed counts with its length, so it is a lower bound then."""
        return statistics.fmean(self.seconds if t is None else t for t in self.times)

    @property
    def error_of_share(self) -> float:
        """Give the standard error of `share`."""
        return math.sqrt(self.share * (1 - self.share) / len(self.times))

    @property
    def error_of_mean(self) -> float:
        """Give the standard error of `mean`."""
        times = [self.seconds if t is None else t for t in self.times]
        return statistics.pstdev(times) / math.sqrt(len(times))

    def quantile(self, share: float) -> float | None:
        """Give the time by which a share of the streams was failed, or None."""
        ranked = sorted(self.times, key=lambda t: math.inf if t is None else t)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    def after(self, onset: float) -> "Outcome":
        """Give the times since an onset, of those streams that were not failed before it."""
        later = tuple(None if t is None else t - onset for t in self.times if t is None or t >= onset)
        return Outcome(later, self.seconds - onset)


def measure(cells: Sequence[Cell], seed: int) -> list[Outcome]:
    """Give the outcome of each cell; its streams depend on the seed and on what they are to be, not on the rule."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(partial(_run, seed=seed), cells))


def streams(maker: Maker, runs: int, seed: int | str) -> Iterator[Stream]:
    """Give the streams of a cell."""
    for run in range(runs):
        yield maker(random.Random(f"{seed}/{maker.func.__name__}/{sorted(maker.keywords.items())}/{run}"))


def _run(cell: Cell, *, seed: int) -> Outcome:
    times, seconds = [], 0.0
    for stream in streams(cell.maker, cell.runs, seed):
        times.append(cell.rule.fails_at(stream))
        seconds = stream.seconds
    return Outcome(tuple(times), seconds)
