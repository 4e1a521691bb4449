"""The arithmetic of the measurements: what was lost or told twice, how late, and whether something grows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.report import percentile


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the events that one client, or many of them, had to hear."""

    expected: int = 0
    lost: int = 0
    twice: int = 0
    disordered: int = 0
    """Events that came after a later one."""
    foreign: int = 0
    """Events of another room, or from before."""

    def __add__(self, other: "Told") -> "Told":
        return Told(
            self.expected + other.expected, self.lost + other.lost, self.twice + other.twice,
            self.disordered + other.disordered, self.foreign + other.foreign,
        )  # fmt: skip

    @property
    def whole(self) -> bool:
        """Whether each was heard once, in order, and nothing else."""
        return not (self.lost or self.twice or self.disordered or self.foreign)


def told(expected: Sequence[int], heard: Sequence[int]) -> Told:
    """Compare the positions that somebody had to hear, in order, with those that came."""
    if len(expected) == len(heard) and list(expected) == list(heard):
        return Told(len(expected))
    count, wanted = Counter(heard), set(expected)
    late = sum(after < before for before, after in pairwise(heard))
    return Told(
        len(expected), len(wanted - set(count)), sum(number - 1 for number in count.values()), late,
        sum(one not in wanted for one in count),
    )  # fmt: skip


def times(seconds: Iterable[float]) -> tuple[float, float, float, float]:
    """Give p50, p95, p99 and the longest."""
    ordered = sorted(seconds)
    p50, p95, p99 = (percentile(ordered, each) for each in (50, 95, 99))
    return p50, p95, p99, ordered[-1] if ordered else 0.0


def of_counts(counts: Mapping[int, int], percent: int) -> int:
    """Give a percentile of values that are there as value -> how often; 0 where there is none."""
    left = -(-sum(counts.values()) * percent // 100)
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    return 0


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Give how much the second number grows with each one of the first, by least squares; 0.0 below two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
