"""Judge a revision from good and bad samples: four verdicts, of which only `successful` is a pass."""

import math
from dataclasses import dataclass, field

from lockgate.core.latency import Latencies
from lockgate.core.reasons import Reason
from lockgate.core.samples import Fault, GateReport, GateSpec, IndicatorReport, Objective, Role, Sample, Verdict
from lockgate.core.sequential import Comparison, RateTest
from lockgate.core.verdict import Finding, combine

MISSED_BAD = 0.05
"""Chance that a revision as bad as `detect` passes early."""
FEWEST_EVENTS = 2
"""No release fails by a single bad sample, or a single burst of them, however strict its objective."""
EXAMPLES = 3
TRACE_POINTS = 240


@dataclass(slots=True)
class _Stream:
    """One indicator of one revision."""

    test: RateTest
    faults: dict[Fault, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    unknown: int = 0
    """Questions that told nothing, neither good nor bad."""
    why_unknown: str = ""

    def add(self, sample: Sample) -> None:
        self.test.add(good=sample.good, t=sample.t)
        if sample.good:
            return
        if sample.fault is not None:
            self.faults[sample.fault] = self.faults.get(sample.fault, 0) + 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(sample.detail)


class Gate:
    """Collects the samples of one watch and says when they are enough."""

    def __init__(self, spec: GateSpec) -> None:
        self.spec = spec
        self._limit = math.log(len(spec.objectives) / spec.alpha)
        self._streams = {
            (role, o.indicator): _Stream(RateTest(o.limit, spec.minimum_span)) for o in spec.objectives for role in Role
        }
        self._comparisons = {o.indicator: Comparison() for o in spec.objectives}
        self._trace: dict[str, list[tuple[float, float]]] = {o.indicator: [] for o in spec.objectives}
        self._latencies = Latencies()

    def add(self, sample: Sample) -> GateReport | None:
        """Count a sample; return the report where it decides."""
        stream = self._streams[sample.role, sample.indicator]
        stream.add(sample)
        if sample.role is Role.CANDIDATE and sample.latency is not None:
            self._latencies.add(sample.latency)
        if not sample.good and self.spec.compare:
            self._comparisons[sample.indicator].add(of_new=sample.role is Role.CANDIDATE, share=self._share(sample))
        if sample.role is Role.CANDIDATE:
            self._note(sample.indicator, sample.t, force=not sample.good)
        # Evidence grows only with a bad sample, and a pass is decided by the clock: see `look`.
        return None if sample.good else self._failure(sample.t)

    def skip(self, role: Role, indicator: str, why: str) -> None:
        """Note a question that told nothing: no sample, and nobody's fault."""
        stream = self._streams[role, indicator]
        stream.unknown += 1
        stream.why_unknown = why

    def look(self, t: float) -> GateReport | None:
        """Ask, at time `t`, whether the watch is over."""
        if t >= self.spec.duration:
            return self._end(t)
        return self._report(Verdict.SUCCESSFUL, Reason.OK, t) if self.spec.early_pass and self._accepts(t) else None

    def _share(self, sample: Sample) -> float:
        new = self._streams[Role.CANDIDATE, sample.indicator].test.total
        old = self._streams[Role.BASELINE, sample.indicator].test.total
        return (new + 1) / (new + old + 2)

    def so_far(self, t: float) -> GateReport:
        """Say what is known at time `t` of a watch that is not over: nothing is decided."""
        return self._report(Verdict.INCONCLUSIVE, Reason.GATE_INCONCLUSIVE, t)

    def _minimum(self, objective: Objective) -> int:
        return self.spec.minimum_samples if objective.minimum_samples is None else objective.minimum_samples

    def _finding(self, objective: Objective) -> Finding:
        mine = self._streams[Role.CANDIDATE, objective.indicator]
        theirs = self._streams[Role.BASELINE, objective.indicator]
        reached = mine.test.log_evidence() >= self._limit
        if not reached and mine.test.log_evidence_unsparing() < self._limit:
            return Finding.MISSING if mine.test.total < self._minimum(objective) else Finding.HEALTHY
        # A burst that may not be over: too much to pass, too short to tell from a fault.
        if not reached or mine.test.events < FEWEST_EVENTS:
            return Finding.UNCLEAR
        if not self.spec.compare or theirs.test.bad == 0:
            return Finding.FAULTY
        # Both have bad samples: is it the release, or something both stand on?
        if self._comparisons[objective.indicator].log_evidence() >= self._limit:
            return Finding.FAULTY
        return Finding.SHARED if theirs.test.log_evidence() >= self._limit else Finding.UNCLEAR

    def _failure(self, t: float) -> GateReport | None:
        """Give the report of a watch that no later sample can save."""
        found = {o.indicator: self._finding(o) for o in self.spec.objectives}
        match combine(found.values()):
            case Verdict.FAILED:
                return self._failed(next(name for name, one in found.items() if one is Finding.FAULTY), t)
            case Verdict.ERROR:
                return self._shared(next(name for name, one in found.items() if one is Finding.SHARED), t)
            case _:
                return None

    def _shared(self, indicator: str, t: float) -> GateReport:
        mine = self._streams[Role.CANDIDATE, indicator].test
        theirs = self._streams[Role.BASELINE, indicator].test
        return self._report(
            Verdict.ERROR,
            Reason.GATE_COULD_NOT_JUDGE,
            t,
            f"{indicator}: the revision that serves now is as bad ({theirs.bad} of {theirs.total}) as the new one "
            f"({mine.bad} of {mine.total}); something both stand on, or the place we look from, is at fault",
        )

    def _accepts(self, t: float) -> bool:
        enough = math.log(1 / MISSED_BAD)
        return t >= self.spec.minimum_span and all(
            (stream := self._streams[Role.CANDIDATE, o.indicator]).test.total >= self._minimum(o)
            and stream.test.log_acceptance(o.detect) >= enough
            for o in self.spec.objectives
        )

    def _end(self, t: float) -> GateReport:
        if failure := self._failure(t):
            return failure
        for objective in self.spec.objectives:
            if unsure := self._unsure(objective, t):
                return self._report(Verdict.INCONCLUSIVE, Reason.GATE_INCONCLUSIVE, t, unsure)
        if self.spec.early_pass and not self._accepts(t):
            return self._report(
                Verdict.INCONCLUSIVE,
                Reason.GATE_INCONCLUSIVE,
                t,
                f"neither good nor bad enough after {t:.0f} s; give it more time or a higher rate",
            )
        return self._report(Verdict.SUCCESSFUL, Reason.OK, t)

    def _unsure(self, objective: Objective, t: float) -> str:
        """Say why an indicator is neither good nor bad at the end; "" where it is good."""
        stream = self._streams[Role.CANDIDATE, objective.indicator]
        test = stream.test
        match self._finding(objective):
            case Finding.MISSING:
                told = f"; {stream.unknown} questions told nothing: {stream.why_unknown}" if stream.unknown else ""
                return (
                    f"{objective.indicator}: {test.total} samples in {t:.0f} s, and at least "
                    f"{self._minimum(objective)} are needed; no data is never a pass{told}"
                )
            case Finding.UNCLEAR:
                return (
                    f"{objective.indicator}: {test.bad} bad of {test.total}, too bunched in time or too alike to the "
                    "serving revision's to be called the release's fault, too many to be called a pass"
                )
            case _:
                return ""

    def _failed(self, indicator: str, t: float) -> GateReport:
        stream = self._streams[Role.CANDIDATE, indicator]
        fault = max(stream.faults, key=lambda each: stream.faults[each], default=Fault.ERROR_STATUS)
        rate = stream.test.limit
        message = (
            f"{indicator}: {stream.test.bad} bad of {stream.test.total}, where at most {rate:.3g} of all may be; "
            f"a healthy release does this less than once in {math.exp(min(stream.test.log_evidence(), 600)):,.0f} times"
        )
        return self._report(Verdict.FAILED, Reason(fault.value), t, message)

    def _note(self, indicator: str, t: float, *, force: bool) -> None:
        points = self._trace[indicator]
        apart = self.spec.duration / TRACE_POINTS
        if force or not points or t - points[-1][0] >= apart:
            evidence = self._streams[Role.CANDIDATE, indicator].test.log_evidence()
            points.append((round(t, 3), round(evidence / math.log(10), 4)))
            if len(points) > 2 * TRACE_POINTS:
                del points[1:-1:2]

    def _report(self, verdict: Verdict, reason: Reason, t: float, message: str = "") -> GateReport:
        indicators = tuple(self._indicator(o) for o in self.spec.objectives)
        counts = ", ".join(f"{i.name} {i.total - i.bad} of {i.total} good" for i in indicators)
        return GateReport(
            verdict,
            reason,
            message or f"{counts} in {t:.1f} s",
            round(t, 3),
            round(self._limit / math.log(10), 4),
            indicators,
            {name: tuple(points) for name, points in self._trace.items()},
            self._latencies.percentile(0.95),
        )

    def _indicator(self, objective: Objective) -> IndicatorReport:
        mine = self._streams[Role.CANDIDATE, objective.indicator]
        theirs = self._streams[Role.BASELINE, objective.indicator]
        return IndicatorReport(
            objective.indicator,
            objective.limit,
            mine.test.bad,
            mine.test.total,
            round(mine.test.log_evidence() / math.log(10), 4),
            theirs.test.bad,
            theirs.test.total,
            round(self._comparisons[objective.indicator].log_evidence() / math.log(10), 4),
            tuple(mine.examples),
        )
