"""A watch of the gate while it goes on: what it has seen so far, for whoever looks on. Nothing is decided by it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.board.watches import Judged, judged, thinned
from lockgate.core.ledger import LedgerEvent
from lockgate.core.samples import GateReport

SECONDS = 2.0
"""Between two notes."""
KIND = "watching."


@dataclass(frozen=True, slots=True)
class WatchNote:
    """What a watch has seen so far."""

    rollout: str
    service: str
    environment: str
    watch: str
    at: str
    report: Mapping[str, Any]

    @classmethod
    def of(cls, place: tuple[str, str, str], watch: str, at: str, report: GateReport) -> "WatchNote":
        """Make one of a report that is not over: its verdict is open."""
        told = report.to_dict() | {"verdict": "", "reason_code": "", "message": ""}
        for indicator in told["indicators"]:
            indicator["evidence"] = [list(point) for point in thinned([tuple(one) for one in indicator["evidence"]])]
        return cls(*place, watch, at, told)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "rollout": self.rollout,
            "service": self.service,
            "environment": self.environment,
            "watch": self.watch,
            "at": self.at,
            "report": dict(self.report),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "WatchNote":
        """Read the JSON form; raise KeyError or TypeError where it is none."""
        names = ("rollout", "service", "environment", "watch", "at", "report")
        return cls(*(data[name] for name in names))

    def judged(self) -> Judged:
        """Show it as the board shows a watch."""
        where = (self.service, self.environment)
        return judged(LedgerEvent(self.rollout, 0, self.at, f"{KIND}{self.watch}", *where, self.report))


def file_name(service: str, environment: str) -> str:
    """Name the file of a place's note: there is one rollout at a time, and names may hold what no file's name may."""
    return f"{hashlib.sha256(f'{service}/{environment}'.encode()).hexdigest()[:32]}.json"
