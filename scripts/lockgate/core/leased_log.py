"""A ledger kept as a few small documents, each replaced as a whole and only if nobody else replaced it meanwhile.

Of each environment there is a `Head`: the lease, and the events that were written under it. Because both are one
document, an event and the check that its writer still holds the lease are one compare-and-swap: the fence is exact.
What is finished moves on, into the journal of its rollout and a list of beginnings and endings.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lockgate.core.ledger import Lease, LedgerEvent

KEPT = 50
"""How many finished rollouts of an environment are remembered without reading their journals."""
_ENDS = ("rollout.started", "rollout.finished")
_NAME = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class Head:
    """The lease of one environment, and what was written under it and the ones before."""

    service: str
    environment: str
    fence: int = 0
    holder: str = ""
    claim: str = ""
    """Told apart from every other claim, so that whoever lost the answer to one finds out whether it was his."""
    expires_at: str = ""
    events: tuple[LedgerEvent, ...] = ()

    def held(self, now: datetime) -> bool:
        """Whether somebody holds the lease."""
        return bool(self.expires_at) and datetime.fromisoformat(self.expires_at) > now

    def lease(self) -> Lease:
        """Give the lease as others know it."""
        return Lease(self.service, self.environment, self.holder, self.fence, self.expires_at)

    def claimed(self, holder: str, claim: str, now: datetime, seconds: float) -> "Head":
        """Give the head as it is when somebody has just taken the lease."""
        return replace(self, fence=self.fence + 1, holder=holder, claim=claim, expires_at=_after(now, seconds))

    def extended(self, now: datetime, seconds: float) -> "Head":
        """Give the head with a lease that runs from now."""
        return replace(self, expires_at=_after(now, seconds))

    def given_back(self) -> "Head":
        """Give the head with a lease that nobody holds."""
        return replace(self, expires_at="")

    def with_event(self, event: LedgerEvent) -> "Head":
        """Give the head with one more event; one that is there already is not there twice."""
        known = any(one.id == event.id for one in self.events)
        return self if known else replace(self, events=(*self.events, event))

    def finished(self) -> list[str]:
        """Give the rollouts that have ended and still lie here."""
        return list(dict.fromkeys(one.rollout for one in self.events if one.kind == "rollout.finished"))

    def without(self, rollouts: Iterable[str]) -> "Head":
        """Give the head without these rollouts' events."""
        gone = set(rollouts)
        return replace(self, events=tuple(one for one in self.events if one.rollout not in gone))

    def dump(self) -> str:
        """Give the document."""
        return _dump({**asdict(self), "events": [_written(one) for one in self.events]})

    @classmethod
    def load(cls, text: str) -> "Head":
        """Read the document; raise ValueError, KeyError or TypeError where it is none."""
        data = json.loads(text)
        return cls(**{**data, "events": tuple(LedgerEvent(**one) for one in data["events"])})


def name(service: str, environment: str) -> str:
    """Give the name of an environment's documents. Neither part can hold what separates them."""
    if not _NAME.fullmatch(service) or not _NAME.fullmatch(environment):
        raise ValueError(f"{service} {environment} is not the name of an environment")
    return f"{service}.{environment.replace('/', '_')}.json"


def dump_events(events: Sequence[LedgerEvent]) -> str:
    """Give the document of some events."""
    return _dump([_written(one) for one in events])


def load_events(text: str) -> list[LedgerEvent]:
    """Read it back."""
    return [LedgerEvent(**one) for one in json.loads(text)]


def recent(before: Sequence[LedgerEvent], journal: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """Give the beginnings and endings that are kept when another rollout has finished."""
    ends = {one.id: one for one in (*before, *journal) if one.kind in _ENDS}
    rollouts = list(dict.fromkeys(one.rollout for one in ends.values()))[-KEPT:]
    return [one for one in ends.values() if one.rollout in rollouts]


def _written(event: LedgerEvent) -> dict[str, Any]:
    return {**asdict(event), "data": dict(event.data)}


def _dump(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _after(now: datetime, seconds: float) -> str:
    return (now + timedelta(seconds=seconds)).isoformat()
