"""When a watch that may end early passes a healthy revision: the samples it takes, and the seconds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lockgate.core.config import Budgets, GateConfig
from lockgate.core.gate import MISSED_BAD
from lockgate.core.samples import Objective
from lockgate.core.streams import Stream, feeding, objectives

_MOST_BAD = 400
"""Above so many bad samples a bound stands for the exact chance: it is on the safe side, and costs nothing."""
_NEGLIGIBLE = 1e-15


@dataclass(frozen=True, slots=True)
class Enough:
    """So many samples are enough for a healthy revision, of which `bad` may be bad."""

    samples: int
    bad: int


def fewest(objective: Objective) -> int:
    """Give the samples that Wald's test needs where all are good; a watch's minimum is not counted."""
    return _affordable(objective, 0)


def enough(objective: Objective, alpha: float) -> Enough:
    """Give the samples within which a revision that just keeps its objective passes, but for a chance of `alpha`.

    The test is looked at after every sample, and passes with b bad ones at the sample n(b) at the latest that makes up
    for them. So it has not passed by n(k) exactly where more than b were bad at each n(b) up to there: the chance of
    that is followed from one n(b) to the next.
    """
    roughly = _roughly(objective, alpha)
    if roughly.bad > _MOST_BAD:
        return roughly
    waiting, at, bad = {0: 1.0}, 0, 0
    while True:
        samples = _affordable(objective, bad)
        chances = _binomial(samples - at, objective.limit)
        later: dict[int, float] = {}
        for seen, chance in waiting.items():
            for more, its in enumerate(chances):
                later[seen + more] = later.get(seen + more, 0.0) + chance * its
        waiting = {seen: chance for seen, chance in later.items() if seen > bad and chance > _NEGLIGIBLE}
        if sum(waiting.values()) <= alpha:
            return Enough(samples, bad)
        at, bad = samples, bad + 1


def soonest(gate: GateConfig, budgets: Budgets) -> float:
    """Give the seconds into the watch before promotion at which a revision can pass at the earliest.

    That is when the last of the samples is asked for that every indicator needs, all of them good.
    """
    latest = gate.minimum_span
    for objective in objectives(gate, budgets, live=False, duration=gate.pre_promotion):
        least = gate.minimum_samples if objective.minimum_samples is None else objective.minimum_samples
        asked = feeding(gate, objective.indicator, live=False)
        latest = max(latest, _asked_at(asked, max(least, fewest(objective))))
    return latest


def _asked_at(streams: Sequence[Stream], number: int) -> float:
    """Give when question `number`, counted from 1, is asked of streams that one indicator counts together."""
    # By a time t they ask at most t x (all their rates) + (one each): so it comes after `surely`.
    surely = max(0.0, (number - len(streams)) / sum(1 / stream.period for stream in streams))
    before = [int(surely / stream.period) for stream in streams]
    coming = (
        stream.phase + (asked + more) * stream.period
        for stream, asked in zip(streams, before, strict=True)
        for more in range(2 * len(streams) + 1)
    )
    return sorted(coming)[number - sum(before) - 1]


def _gain_and_loss(objective: Objective) -> tuple[float, float]:
    """Give what a good sample adds to Wald's log likelihood ratio, and what a bad one takes."""
    gain = math.log1p(-objective.limit) - math.log1p(-objective.detect)
    return gain, math.log(objective.detect / objective.limit)


def _affordable(objective: Objective, bad: int) -> int:
    """Give the samples in all with which Wald's test passes although so many are bad."""
    gain, loss = _gain_and_loss(objective)
    return math.ceil((math.log(1 / MISSED_BAD) + bad * (gain + loss)) / gain)


def _roughly(objective: Objective, alpha: float) -> Enough:
    """Solve n x mean - z x deviation x sqrt(n) = log(1 / beta) for n, where z bounds the normal quantile of `alpha`."""
    gain, loss = _gain_and_loss(objective)
    mean = gain - objective.limit * (gain + loss)
    deviation = (gain + loss) * math.sqrt(objective.limit * (1 - objective.limit))
    spread = math.sqrt(max(0.0, -2 * math.log(2 * alpha))) * deviation
    root = (spread + math.sqrt(spread**2 + 4 * mean * math.log(1 / MISSED_BAD))) / (2 * mean)
    samples = math.ceil(root**2)
    return Enough(samples, int((samples * gain - math.log(1 / MISSED_BAD)) / (gain + loss)))


def _binomial(samples: int, rate: float) -> list[float]:
    """Give the chance of 0, 1, 2, ... bad ones among so many; what is negligible is left out."""
    chance = math.exp(samples * math.log1p(-rate))
    found = [chance]
    for bad in range(1, samples + 1):
        chance *= (samples - bad + 1) / bad * rate / (1 - rate)
        found.append(chance)
        if bad > samples * rate and chance < _NEGLIGIBLE:
            break
    return found
