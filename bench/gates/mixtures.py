"""Tests that were considered and not taken, kept so that the choice can be measured again."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.gates.streams import HEALTHY


@dataclass(slots=True)
class OnsetCounts:
    """Averages a mixture over onsets spread evenly, each with its own counts; a mixture turns counts into evidence."""

    mixture: Callable[[int, int], float]
    seconds: float
    onsets: int = 1
    counts: list[list[int]] = field(default_factory=list)
    """[bad, all] since each onset so far."""

    def add(self, *, good: bool, t: float, count: int = 1) -> None:
        """Count samples."""
        due = min(self.onsets, 1 + int(self.onsets * t / self.seconds))
        self.counts += [[0, 0] for _ in range(due - len(self.counts))]
        for each in self.counts:
            each[0] += 0 if good else count
            each[1] += count

    def log_evidence(self) -> float:
        """Give the evidence; an onset that has not come holds a stake of 1."""
        logs = [self.mixture(*each) for each in self.counts]
        logs += [0.0] * (self.onsets - len(logs))
        return _log_sum(logs) - math.log(self.onsets)


def even_grid(bad: int, total: int) -> float:
    """Sixteen alternatives, evenly in log-odds from twice the objective to 0.95."""
    return _log_sum([bad * log_bad + (total - bad) * log_good for log_bad, log_good in _GRID]) - math.log(len(_GRID))


def beta(bad: int, total: int) -> float:
    """All alternatives above the objective, weighted by a beta density cut off there."""
    a, b = _SHAPE
    return (
        _log_upper(a + bad, b + total - bad)
        - _log_upper(a, b)
        - bad * math.log(HEALTHY)
        - (total - bad) * math.log1p(-HEALTHY)
    )


_SHAPE = (0.5, 4.5)


def _log_upper(a: float, b: float) -> float:
    """Give log of the integral of p^(a-1) (1-p)^(b-1) from HEALTHY to 1."""
    complete = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    if (a + 1) / (a + b + 2) < HEALTHY:
        return _log_tail(1 - HEALTHY, b, a)
    return complete + math.log1p(-math.exp(min(_log_tail(HEALTHY, a, b) - complete, -1e-300)))


def _log_tail(x: float, a: float, b: float) -> float:
    """Give log of the integral of p^(a-1) (1-p)^(b-1) from 0 to x, by Lentz's continued fraction."""
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    fraction = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + step * d or tiny)
            c = 1 + step / c or tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return a * math.log(x) + b * math.log1p(-x) - math.log(a) + math.log(fraction)


def _grid() -> tuple[tuple[float, float], ...]:
    low, high = (math.log(p / (1 - p)) for p in (2 * HEALTHY, 0.95))
    rates = [1 / (1 + math.exp(-(low + (high - low) * i / 15))) for i in range(16)]
    return tuple((math.log(p / HEALTHY), math.log1p(-p) - math.log1p(-HEALTHY)) for p in rates)


def _log_sum(values: list[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


_GRID = _grid()
