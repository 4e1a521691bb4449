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

NEAR = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Alternatives close above the objective, in log-odds: a slight but lasting excess is found too, if late."""
NEAR_WEIGHT = 0.05
FAR = 12
FARTHEST = 0.4
"""Alternatives from three times the odds of the objective up to a bad rate of 0.4, evenly in log-odds.

Bets on rarer but larger faults would cost those on the others more than they gain: two bad samples in a row are enough.
"""
AT_ONCE = 0.8
"""Part of the stake bet from the first sample on; the rest waits for faults that begin later."""
LATER = 10
"""How slowly the rest is bet: after k bad samples that counted, LATER / (LATER + k) of it is left."""
RATIOS = (2.0, 4.0, 8.0, 16.0, 64.0, 256.0)
"""How many times as likely a bad sample is for the new revision, under the alternatives of the comparison."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A bad rate p1 above the objective's p0 that is bet on."""

    rate: float
    weight: float
    log_bad: float
    """log(p1 / p0): what a bad sample adds."""
    log_good: float
    """log((1 - p1) / (1 - p0)): what a good one does; below 0."""


def alternatives(limit: float) -> tuple[Alternative, ...]:
    """Give the bad rates above `limit` that are bet on; their weights sum to 1."""
    nearest, farthest = math.log(3), max(_log_odds(FARTHEST) - _log_odds(limit), 2 * math.log(3))
    step = (farthest - nearest) / (FAR - 1)
    places = [(distance, NEAR_WEIGHT / len(NEAR)) for distance in NEAR]
    places += [(nearest + step * i, (1 - NEAR_WEIGHT) / FAR) for i in range(FAR)]
    odds = limit / (1 - limit)
    found = []
    for distance, weight in places:
        higher = odds * math.exp(distance)
        log_good = math.log1p(odds) - math.log1p(higher)
        found.append(Alternative(higher / (1 + higher), weight, distance + log_good, log_good))
    return tuple(found)


@dataclass(slots=True)
class RateTest:
    """Evidence that a stream's bad rate is above `limit`.

    Bad samples come in bursts. After a bad sample that counts, nothing counts for `burst` seconds, so whatever happens
    within that time is one bad sample. Each bad sample that counts may be the first of a fault: part of the stake is
    bet anew from there on, so that a good past does not hide a late fault.

    Why the promise holds. For every p1 > p0 a sample's likelihood ratio of p1 against p0 is p1/p0 > 1 where it is bad
    and (1-p1)/(1-p0) < 1 where it is good; its mean is 1 under p0 and less under every smaller p. A product of such
    ratios is therefore a fair bet or worse, also where it begins later (it is 1 until then) and where samples are left
    out by a rule that does not look at them: whether a sample counts, and which bets have begun, is settled by its time
    and by the samples before it. The evidence is the average of such products, weighted: an e-process.

    A sample costs the same, however many came before: 16 sums of logarithms, which forget nothing and cannot overflow.
    Good samples in a row are only counted.
    """

    limit: float
    burst: float = 0.0
    bad: int = 0
    """Of all samples, also those that did not count as evidence."""
    total: int = 0
    events: int = 0
    """Bad samples that counted."""
    _alternatives: tuple[Alternative, ...] = ()
    _logs: list[float] = field(default_factory=list)
    """Per alternative, the logarithm of what its bets have become."""
    _good: int = 0
    """Good samples that count and are not yet in `_logs`."""
    _resume: float = -math.inf
    _left_out: tuple[int, int] = (0, 0)
    """(bad, good) samples left out since the last that counted."""

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise ValueError(f"a limit is between 0 and 1, not {self.limit}")
        self._alternatives = alternatives(self.limit)
        self._logs = [math.log(AT_ONCE * each.weight) for each in self._alternatives]

    def add(self, *, good: bool, t: float, count: int = 1) -> None:
        """Count a sample, or `count` alike, taken `t` seconds after the watch began.

        Samples of different times must not be lumped together: what counts is settled by the time of each.
        """
        self.total += count
        if not good:
            self.bad += count
        if t < self._resume:
            bad_before, good_before = self._left_out
            self._left_out = (bad_before, good_before + count) if good else (bad_before + count, good_before)
            return
        self._left_out = (0, 0)
        if good:
            self._good += count
            return
        self._settle()
        for _ in range(1 if self.burst > 0 else count):
            self._count_bad()
        if self.burst > 0:
            self._left_out = (count - 1, 0)
            self._resume = t + self.burst

    def log_evidence(self) -> float:
        """Give the natural logarithm of the evidence so far; 0 where nothing was seen."""
        self._settle()
        return self._with_the_rest(self._logs)

    def log_evidence_unsparing(self) -> float:
        """Give the same as though the samples left out since the last that counted did count.

        This is no e-process. It tells whether a burst that is not over might yet turn out to be a fault.
        """
        self._settle()
        bad, good = self._left_out
        return self._with_the_rest(
            [
                log + bad * each.log_bad + good * each.log_good
                for log, each in zip(self._logs, self._alternatives, strict=True)
            ]
        )

    def log_acceptance(self, detect: float) -> float:
        """Give Wald's log likelihood ratio of `limit` against `detect`: large where the stream is rather healthy.

        Passing at log(1 / beta) lets a stream with bad rate >= `detect` pass with chance at most beta.
        """
        if detect <= self.limit:
            raise ValueError(f"detect ({detect}) must be above the limit ({self.limit})")
        good = self.total - self.bad
        return -self.bad * math.log(detect / self.limit) + good * (math.log1p(-self.limit) - math.log1p(-detect))

    def _settle(self) -> None:
        """Bring the good samples that were only counted into the sums."""
        if self._good:
            waiting = self._good
            self._logs = [
                log + waiting * each.log_good for log, each in zip(self._logs, self._alternatives, strict=True)
            ]
            self._good = 0

    def _count_bad(self) -> None:
        """Let what is bet win, then bet part of the rest from here on."""
        rest = self._rest
        self.events += 1
        part = rest - self._rest
        self._logs = [
            _log_add(log + each.log_bad, math.log(part * each.weight))
            for log, each in zip(self._logs, self._alternatives, strict=True)
        ]

    @property
    def _rest(self) -> float:
        """Give the part of the stake that is not bet yet."""
        return (1 - AT_ONCE) * LATER / (LATER + self.events)

    def _with_the_rest(self, logs: Sequence[float]) -> float:
        return _log_sum_exp([*logs, math.log(self._rest)])


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
    return math.log(p) - math.log1p(-p)


def _log_add(a: float, b: float) -> float:
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def _log_sum_exp(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))
