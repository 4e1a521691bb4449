"""What a gate is given, and what it says: samples, objectives, verdicts, reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lockgate.core.reasons import Reason


class Verdict(StrEnum):
    """What the evidence says; `error` and `inconclusive` are not passes, and not the release's fault either."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    ERROR = "error"
    INCONCLUSIVE = "inconclusive"


class Role(StrEnum):
    """Whose sample it is."""

    CANDIDATE = "candidate"
    """The revision being judged."""
    BASELINE = "baseline"
    """The one it is compared with."""


class Fault(StrEnum):
    """How a sample was bad; the value is the reason a gate gives where most were bad so."""

    ERROR_STATUS = Reason.GATE_ERROR_STATUS.value
    WRONG_ANSWER = Reason.GATE_WRONG_ANSWER.value
    NO_ANSWER = Reason.GATE_NO_ANSWER.value
    TOO_SLOW = Reason.GATE_TOO_SLOW.value
    INSECURE = Reason.GATE_INSECURE_HEADERS.value
    CERTIFICATE = Reason.GATE_CERTIFICATE.value
    CLOSED = Reason.GATE_CLOSED.value
    COMMAND = Reason.GATE_COMMAND_FAILED.value
    METRIC = Reason.GATE_METRIC.value
    BAD_SAMPLE = Reason.GATE_BAD_SAMPLES.value
    """A recording need not say how a sample was bad."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer, or its absence, judged by one indicator."""

    t: float
    """Seconds since the watch began."""
    role: Role
    indicator: str
    good: bool
    fault: Fault | None = None
    latency: float | None = None
    detail: str = ""
    """What was seen, for a person: status, first bytes of the body, the error."""


@dataclass(frozen=True, slots=True)
class Objective:
    """An indicator's promise: at most `limit` of its samples are bad."""

    indicator: str
    limit: float
    detect: float
    """The bad rate that must not pass early; above `limit`."""
    minimum_samples: int | None = None
    """No pass on fewer samples; None for the watch's own minimum."""


@dataclass(frozen=True, slots=True)
class GateSpec:
    """How one watch judges."""

    objectives: tuple[Objective, ...]
    alpha: float
    """Chance that this watch fails a healthy revision."""
    duration: float
    minimum_samples: int
    minimum_span: float
    early_pass: bool
    """Before promotion a clear pass may end the watch; a bake always lasts its full time."""
    compare: bool
    """Whether a baseline is sampled too."""


@dataclass(frozen=True, slots=True)
class IndicatorReport:
    """One indicator at the end of a watch."""

    name: str
    limit: float
    bad: int
    total: int
    log10_evidence: float
    baseline_bad: int
    baseline_total: int
    log10_comparison: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateReport:
    """How a watch ended, and why."""

    verdict: Verdict
    reason: Reason
    message: str
    seconds: float
    log10_limit: float
    indicators: tuple[IndicatorReport, ...]
    trace: Mapping[str, tuple[tuple[float, float], ...]]
    """Per indicator: (seconds, log10 evidence) over time."""
    p95: float | None
    """95th percentile of the candidate's latency, in seconds."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, as the ledger and the result keep it."""
        return {
            "verdict": self.verdict.value,
            "reason_code": self.reason.value,
            "message": self.message,
            "seconds": self.seconds,
            "log10_limit": self.log10_limit,
            "p95": self.p95,
            "indicators": [
                {
                    "name": i.name,
                    "limit": i.limit,
                    "bad": i.bad,
                    "total": i.total,
                    "log10_evidence": i.log10_evidence,
                    "baseline_bad": i.baseline_bad,
                    "baseline_total": i.baseline_total,
                    "log10_comparison": i.log10_comparison,
                    "examples": list(i.examples),
                    "evidence": [list(point) for point in self.trace.get(i.name, ())],
                }
                for i in self.indicators
            ],
        }
