"""A healthy release before promotion, where a watch must not only not fail it: what share gets no pass in its time."""

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from bench.gates.text import Table, percent
from lockgate.core.config import Budgets, EnvironmentConfig, GateConfig
from lockgate.core.gate import Gate
from lockgate.core.passing import enough
from lockgate.core.samples import GateReport, GateSpec, Role, Sample, Verdict
from lockgate.core.streams import objectives

ALPHA = EnvironmentConfig("").gate.alpha


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch of a release that just keeps both of its objectives."""

    availability: float
    rate: float
    seconds: float
    accepted: bool
    """Whether `lockgate validate` accepts it."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of so many such releases."""

    watch: Watch
    verdicts: tuple[Verdict, ...]
    seconds: tuple[float, ...]
    """How long those were watched that passed."""

    def share(self, verdict: Verdict) -> float:
        """Give the share that got this verdict."""
        return self.verdicts.count(verdict) / len(self.verdicts)


def early(seed: int, runs: int) -> list[Passed]:
    """Watch releases under the defaults, under the shortest watches that are accepted, and under shorter ones."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(partial(_run, seed=seed, runs=runs), _watches()))


def early_table(found: Sequence[Passed]) -> Table:
    """Tell it."""
    rows = tuple(
        (
            f"{one.watch.availability:.1%}",
            f"{one.watch.rate:g}",
            f"{one.watch.seconds:g} s",
            "yes" if one.watch.accepted else "no",
            percent(one.share(Verdict.FAILED)),
            percent(one.share(Verdict.INCONCLUSIVE)),
            f"{statistics.fmean(one.seconds):.1f} / {max(one.seconds):.1f}" if one.seconds else "never",
        )
        for one in found
    )
    title = (
        "Healthy releases before promotion: 0.1 or 1 % bad and 5 % slow, which is all that their objectives allow "
        f"({len(found[0].verdicts):,} runs)"
    )
    header = (
        "availability",
        "samples/s",
        "at most",
        "accepted",
        "failed",
        "inconclusive",
        "seconds to pass: mean / longest",
    )
    return Table(title, header, rows)


def broken_promises(found: Sequence[Passed]) -> list[str]:
    """Say which accepted watch gives no pass to more than alpha for each of two indicators, by three errors."""
    return [
        f"{percent(share)} of healthy releases got no pass in {one.watch.seconds:g} s at {one.watch.rate:g} samples/s"
        for one in found
        if one.watch.accepted
        and (share := 1 - one.share(Verdict.SUCCESSFUL)) - 3 * math.sqrt(share * (1 - share) / len(one.verdicts))
        > 2 * ALPHA
    ]


def _watches() -> Iterator[Watch]:
    default = GateConfig()
    for availability in (0.999, 0.99):
        limits = objectives(default, Budgets(availability=availability), live=False, duration=default.pre_promotion)
        needed = max(enough(objective, ALPHA).samples for objective in limits)
        yield Watch(availability, default.rate, default.pre_promotion, accepted=True)
        for rate in (0.5, 2.0, 20.0):
            yield Watch(availability, rate, needed / rate, accepted=True)
        yield Watch(availability, default.rate, 20.0, accepted=False)
        yield Watch(availability, 1.0, 20.0, accepted=False)


def _run(watch: Watch, *, seed: int, runs: int) -> Passed:
    rng = random.Random(f"{seed}/{watch}")
    reports = [_judge(watch, rng) for _ in range(runs)]
    passed = tuple(report.seconds for report in reports if report.verdict is Verdict.SUCCESSFUL)
    return Passed(watch, tuple(report.verdict for report in reports), passed)


def _judge(watch: Watch, rng: random.Random) -> GateReport:
    gate = GateConfig(rate=watch.rate, pre_promotion=watch.seconds)
    chosen = objectives(gate, Budgets(availability=watch.availability), live=False, duration=watch.seconds)
    # One watch before promotion, one at each of three steps.
    spec = GateSpec(chosen, ALPHA / 4, watch.seconds, gate.minimum_samples, gate.minimum_span, True, compare=False)
    judge, number = Gate(spec), 0
    while (t := number / watch.rate) < watch.seconds:
        for objective in chosen:
            good = rng.random() >= objective.limit
            if report := judge.add(Sample(t, Role.CANDIDATE, objective.indicator, good)):
                return report
        if report := judge.look(t):
            return report
        number += 1
    report = judge.look(watch.seconds)
    assert report is not None, "a gate always reports at its end"  # noqa: S101 - an invariant, for the type checker
    return report
