"""Tests that may be looked at after every sample: they keep their promise at any looking schedule, for ever.

The idea in one sentence: bet against the claim "this release is healthy" at odds that are fair if the claim is true; if
the bet multiplies the stake by 1 / alpha, either the claim is false or something happened whose chance is below alpha
(Ville's inequality). The stake now is the evidence, an *e-process*; all functions give its natural logarithm.

Sources: Wald 1945 (likelihood ratios, the accepting test); Lindon et al., arXiv 2205.14762, and Lindon and Malek, arXiv
2011.03567 (canaries, whose is a bad sample); Howard et al., arXiv 1810.08240; Waudby-Smith and Ramdas, 2010.09686.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

ALTERNATIVES = 16
"""Bad rates bet on, spread evenly in log-odds between just above the objective and nearly one."""
STARTS = 8
"""Onsets bet on, spread evenly over the planned time: a fault that begins late must not drown in the good past."""
RATIOS = (2.0, 4.0, 8.0, 16.0, 64.0, 256.0)
"""How many times as likely a bad sample is for the new revision, under the alternatives of the comparison."""


def alternatives(limit: float) -> tuple[float, ...]:
    """Give the bad rates p1 > `limit` whose likelihood ratios against `limit` are averaged."""
    low = _log_odds(min(2 * limit, (1 + limit) / 2))
    high = max(_log_odds(0.95), low + 1.0)
    step = (high - low) / (ALTERNATIVES - 1)
    return tuple(1 / (1 + math.exp(-(low + step * i))) for i in range(ALTERNATIVES))


@dataclass(slots=True)
class RateTest:
    """Evidence that a stream's bad rate is above `limit`, for a stream watched for about `horizon` seconds.

    For every p1 > p0 the likelihood ratio of p1 against p0 has mean at most 1 under every p <= p0, and a bet that
    begins at a later time is 1 until then; so the average over alternatives and onsets is an e-process. Each sample
    costs the same, however many came before: 8 onsets hold two counts each, and 128 ratios are computed when asked for.
    """

    limit: float
    horizon: float
    bad: int = 0
    total: int = 0
    _open: list[list[int]] = field(default_factory=list)
    """[bad, total] since each onset so far."""
    _rates: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise ValueError(f"a limit is between 0 and 1, not {self.limit}")
        self._rates = tuple(
            (math.log(p1 / self.limit), math.log1p(-p1) - math.log1p(-self.limit)) for p1 in alternatives(self.limit)
        )

    def add(self, *, good: bool, t: float) -> None:
        """Count one sample, `t` seconds after the watch began."""
        due = min(STARTS, 1 + int(STARTS * t / self.horizon)) if self.horizon > 0 else 1
        while len(self._open) < max(1, due):
            self._open.append([0, 0])
        self.total += 1
        self.bad += not good
        for counts in self._open:
            counts[0] += not good
            counts[1] += 1

    def log_evidence(self) -> float:
        """Give the natural logarithm of the evidence so far; 0 where nothing was seen."""
        terms = [
            bad * log_bad + (total - bad) * log_good for bad, total in self._open for log_bad, log_good in self._rates
        ]
        not_begun = (STARTS - len(self._open)) * ALTERNATIVES
        if not_begun:
            terms.append(math.log(not_begun))
        return _log_sum_exp(terms) - math.log(STARTS * ALTERNATIVES)

    def log_acceptance(self, detect: float) -> float:
        """Give Wald's log likelihood ratio of `limit` against `detect`: large where the stream is rather healthy.

        Passing at log(1 / beta) lets a stream with bad rate >= `detect` pass with chance at most beta.
        """
        if detect <= self.limit:
            raise ValueError(f"detect ({detect}) must be above the limit ({self.limit})")
        good = self.total - self.bad
        return -self.bad * math.log(detect / self.limit) + good * (math.log1p(-self.limit) - math.log1p(-detect))


@dataclass(slots=True)
class Comparison:
    """Evidence that a bad sample is more often the new revision's than its share of the samples explains.

    Under equal rates a bad sample is the new revision's with probability `share`, whatever the common rate does, so a
    fault that hits both adds no evidence. Under the alternative with ratio r the probability is
    r*share / (r*share + 1 - share).
    """

    bad_new: int = 0
    bad_old: int = 0
    _logs: list[float] = field(default_factory=lambda: [0.0] * len(RATIOS))

    def add(self, *, of_new: bool, share: float) -> None:
        """Count one bad sample; `share` is the new revision's part of the samples taken around it, 0 to 1 exclusive."""
        if not 0 < share < 1:
            raise ValueError(f"a share is between 0 and 1, not {share}")
        self.bad_new += of_new
        self.bad_old += not of_new
        for index, ratio in enumerate(RATIOS):
            scaled = ratio * share / (ratio * share + 1 - share)
            self._logs[index] += math.log(scaled / share) if of_new else math.log((1 - scaled) / (1 - share))

    def log_evidence(self) -> float:
        """Give the natural logarithm of the evidence so far."""
        return _log_sum_exp(self._logs) - math.log(len(RATIOS))


def _log_odds(p: float) -> float:
    return math.log(p / (1 - p))


def _log_sum_exp(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))
