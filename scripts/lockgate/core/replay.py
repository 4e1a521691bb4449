"""Judge a recording as a watch would have: the same gate, the same samples, the same verdict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lockgate.core.gate import Gate
from lockgate.core.reasons import Reason
from lockgate.core.recording import LATE, Census
from lockgate.core.samples import GateReport, GateSpec, Objective, Sample, Verdict

COVERED = 0.9
"""Share of the asked duration that a recording must reach for a pass: what was not seen was not good."""
SHORTEST = 0.001


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay."""

    report: GateReport
    reached_at: float
    """When the verdict was reached, in the recording's own time."""
    judged: int
    """Samples that the gate was given before it decided."""


def choose(
    census: Census, asked: Sequence[Objective], configured: Sequence[Objective]
) -> tuple[tuple[Objective, ...], Mapping[str, int]]:
    """Give the objectives to judge by, and the indicators that nobody judges with their number of samples.

    An objective that somebody asked for is judged, and without samples it is not met. Of the configured ones only those
    that were recorded are; where none was, all are, and there is no data.
    """
    recorded = set(census.indicators)
    chosen = tuple(asked) or tuple(o for o in configured if o.indicator in recorded) or tuple(configured)
    names = {objective.indicator for objective in chosen}
    left: dict[str, int] = {}
    for (name, _role), count in census.counts.items():
        if name not in names:
            left[name] = left.get(name, 0) + count
    return chosen, left


def judge(samples: Iterable[Sample], spec: GateSpec, census: Census, *, whole: bool) -> Replayed:
    """Feed a gate with samples in the order of the recording.

    The watch begins at the first sample. With `whole` it lasts as long as the recording, else for the duration of the
    specification, and a question asked after that is no part of it.
    """
    origin = census.first if census.samples else 0.0
    duration = max(census.span, SHORTEST) if whole else spec.duration
    gate = Gate(replace(spec, duration=duration))
    names = {objective.indicator for objective in spec.objectives}
    now = 0.0
    judged = 0
    for sample in samples:
        t = sample.t - origin
        now = max(now, t)
        if not whole and now > duration + LATE:
            break
        if sample.indicator in names and (whole or t < duration):
            judged += 1
            report = gate.add(replace(sample, t=t) if origin else sample)
            # What may still come late belongs to the watch, so its end waits for it.
            if report := report or (gate.look(now) if now < duration else None):
                return Replayed(report, origin + now, judged)
    report = gate.look(duration)
    assert report is not None, "a gate always reports at its end"  # noqa: S101 - an invariant, for the type checker
    return Replayed(_covered(report, census, duration), origin + duration, judged)


def _covered(report: GateReport, census: Census, duration: float) -> GateReport:
    if report.verdict is not Verdict.SUCCESSFUL or census.span >= COVERED * duration:
        return report
    message = (
        f"the recording ends after {census.span:.1f} s, and the watch lasts {duration:.1f} s; no data is never a pass"
    )
    return replace(report, verdict=Verdict.INCONCLUSIVE, reason=Reason.GATE_INCONCLUSIVE, message=message)
