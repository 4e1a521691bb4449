"""What a watch of the gate saw, as the journal keeps it, thinned to what a plot can show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lockgate.core.evidence import amount, share
from lockgate.core.ledger import LedgerEvent
from lockgate.core.redaction import printable

WATCHES = {
    "pre_promotion": "before promotion",
    "step": "with a part of the traffic",
    "bake": "with all of the traffic",
    "restored": "the restored release",
}
"""What each watch judges."""
POINTS = 240
"""Points of a plot: more than a screen can show apart."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """What one indicator showed in a watch."""

    name: str
    bad: int
    total: int
    limit: float
    """The share that may be bad."""
    evidence: float
    """Log10."""
    points: tuple[tuple[float, float], ...]
    """(seconds, log10 of evidence) over time."""
    examples: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """A line for people."""
        return f"{self.bad} bad of {self.total}, {share(self.limit)} may be; evidence {amount(self.evidence)}"


@dataclass(frozen=True, slots=True)
class Judged:
    """One watch of the gate, ended or still going on."""

    watch: str
    verdict: str
    """"" while it goes on."""
    message: str
    seconds: float
    limit: float
    """Log10 of the evidence at which the gate fails."""
    indicators: tuple[Indicator, ...]
    p95: float | None = None

    @property
    def title(self) -> str:
        """What was judged."""
        return WATCHES.get(self.watch, self.watch)


def judged(event: LedgerEvent) -> Judged:
    """Read what a watch saw, thinned to what a plot can show."""
    data = event.data
    return Judged(
        watch=event.kind.partition(".")[2],
        verdict=printable(str(data.get("verdict") or "")),
        message=printable(str(data.get("message") or "")),
        seconds=number(data.get("seconds")),
        limit=number(data.get("log10_limit")),
        indicators=tuple(_indicator(one) for one in listed(data.get("indicators")) if isinstance(one, Mapping)),
        p95=number(data.get("p95")) if data.get("p95") is not None else None,
    )


def thinned(points: Sequence[tuple[float, float]], most: int = POINTS) -> tuple[tuple[float, float], ...]:
    """Keep the first, the last, and of each stretch between them the highest: a peak is what a plot is for."""
    if len(points) <= most:
        return tuple(points)
    inside, stretches = points[1:-1], most - 2
    edges = [len(inside) * number // stretches for number in range(stretches + 1)]
    peaks = [max(inside[a:b], key=lambda point: point[1]) for a, b in pairwise(edges)]
    return (points[0], *peaks, points[-1])


def _indicator(data: Mapping[str, Any]) -> Indicator:
    points = [
        (number(point[0]), number(point[1]))
        for point in listed(data.get("evidence"))
        if isinstance(point, Sequence) and len(point) > 1
    ]
    return Indicator(
        *(printable(str(data.get("name") or "")), int(number(data.get("bad"))), int(number(data.get("total")))),
        *(number(data.get("limit")), number(data.get("log10_evidence")), thinned(points)),
        tuple(printable(str(one)) for one in listed(data.get("examples"))[:5]),
    )


def listed(value: Any) -> list[Any]:
    """Give a list; an empty one for what is none: a ledger holds what somebody wrote."""
    return value if isinstance(value, list) else []


def number(value: Any) -> float:
    """Give a number; 0 for what is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def told(data: Mapping[str, Any], *path: str) -> Any:
    """Read a value deep in an event's data; None where a part of the way is missing or is no mapping."""
    found: Any = data
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
