"""Which probes a watch asks, how often, and what each indicator therefore can show."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lockgate.core.config import Budgets, GateConfig
from lockgate.core.probe_config import LATENCY, ProbeConfig, ProbeKind
from lockgate.core.samples import Objective

SLOW = 0.05
"""Share of answers that may be slower than their budget, which is a 95th percentile."""
MISSED_BAD = 0.049
"""A little less than the chance by which a gate lets a revision pass early that is as bad as it must detect."""
FEWEST = 3
"""Samples of a scarce indicator that a pass needs at least, where the watch has time for them."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One probe's questions to one place: one every `period` seconds, the first after `phase`."""

    probe: ProbeConfig
    period: float
    phase: float


def asked(gate: GateConfig, *, live: bool) -> Sequence[ProbeConfig]:
    """Give the probes of a watch; before the first traffic some have nothing to say."""
    return [probe for probe in gate.probes if live or not probe.live_only]


def streams(gate: GateConfig, *, live: bool) -> Iterator[Stream]:
    """Give how often each probe is asked: those of one indicator share the gate's rate, in turn."""
    turns: dict[str, list[ProbeConfig]] = {}
    for probe in asked(gate, live=live):
        if probe.every is None:
            turns.setdefault(probe.feeds, []).append(probe)
        else:
            yield Stream(probe, probe.every, 0.0)
    for sharing in turns.values():
        for turn, probe in enumerate(sharing):
            yield Stream(probe, len(sharing) / gate.rate, turn / gate.rate)


def objectives(gate: GateConfig, budgets: Budgets, *, live: bool, duration: float) -> tuple[Objective, ...]:
    """Give the objectives of a watch of `duration` seconds.

    An indicator that is asked too rarely to rule out the bad rate `gate.detect` in the time that one asked at the
    gate's rate needs for it, is held to the smallest that it can rule out: a certificate or a command shows only what
    is bad most of the time, in exchange for few questions.
    """
    feeds = dict.fromkeys(probe.feeds for probe in asked(gate, live=live))
    found = [_objective(name, feeding(gate, name, live=live), gate, budgets, duration) for name in feeds]
    if feeding(gate, LATENCY, live=live):
        found.insert(1, _objective(LATENCY, feeding(gate, LATENCY, live=live), gate, budgets, duration))
    return tuple(found)


def feeding(gate: GateConfig, indicator: str, *, live: bool) -> list[Stream]:
    """Give the streams that an indicator counts; the speed of every HTTP probe is counted together."""
    return [
        stream
        for stream in streams(gate, live=live)
        if (stream.probe.kind is ProbeKind.HTTP if indicator == LATENCY else stream.probe.feeds == indicator)
    ]


def _objective(name: str, its: Sequence[Stream], gate: GateConfig, budgets: Budgets, duration: float) -> Objective:
    limit, detect = _promise(name, its, gate, budgets)
    if any(stream.probe.every is None for stream in its):
        return Objective(name, limit, detect)
    expected = sum(max(1, math.ceil((duration - stream.phase) / stream.period)) for stream in its)
    time = math.log(MISSED_BAD) / (math.log1p(-detect) - math.log1p(-limit)) / gate.rate
    enough = max(1, min(expected, max(FEWEST, round(time * sum(1 / stream.period for stream in its)))))
    ruled_out = 1 - (1 - limit) * MISSED_BAD ** (1 / enough)
    minimum = max(1, min(gate.minimum_samples, enough, expected // 2))
    return Objective(name, limit, max(detect, ruled_out), minimum)


def _promise(name: str, its: Sequence[Stream], gate: GateConfig, budgets: Budgets) -> tuple[float, float]:
    """Give the share of bad samples that is allowed, and the one that must not pass early."""
    if name == LATENCY:
        # Four times as many slow answers as may be must not pass early.
        return SLOW, 4 * SLOW
    promised = next((stream.probe.objective for stream in its if stream.probe.objective), budgets.availability)
    limit = round(1 - promised, 12)
    return limit, max(gate.detect, (1 + 3 * limit) / 4) if gate.detect <= limit else gate.detect
