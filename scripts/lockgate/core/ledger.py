"""The append-only record of what was done, and what every store of it must be able to do."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from lockgate.core.chain import Chain, Link
from lockgate.core.rollout_model import Standing

if TYPE_CHECKING:
    from lockgate.core.metrics import Counted, Question


_ESCAPE = re.compile(r"\\(?:(u0000)|ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(ud[89a-f][0-9a-f]{2})|.)")
"""One escape of a JSON text; the groups are what no database keeps: U+0000, and a surrogate without its other half."""


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One line of a rollout's journal. Its id follows from rollout and number, so a retry inserts nothing twice."""

    rollout: str
    seq: int
    at: str
    """UTC, ISO 8601."""
    kind: str
    """`rollout.started`, `intended.<effect>`, `happened.<event>`, `analysed.<watch>`, `rollout.finished`."""
    service: str
    environment: str
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The deterministic id."""
        return f"{self.rollout}/{self.seq}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; `LedgerEvent(**...)` reads it."""
        return {
            "rollout": self.rollout,
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "service": self.service,
            "environment": self.environment,
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True)
class SpooledEvent:
    """An event that waits for the ledger, with the fence it was written under."""

    event: LedgerEvent
    fence: int


def as_json(value: Any) -> str:
    """Write a value as JSON that every database takes, in ASCII: signs stand for U+0000 and for lone surrogates."""
    text = json.dumps(value, separators=(",", ":"))
    return _ESCAPE.sub(lambda found: "\\u2400" if found[1] else "\\ufffd" if found[2] else found[0], text)


LEASE_SECONDS = 60.0
"""After this long without a heartbeat, somebody else may take over."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The expiring, fenced lock on one service in one environment."""

    service: str
    environment: str
    holder: str
    fence: int
    """Grows with every holder; the ledger refuses a journal write that carries an old one."""
    expires_at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One row of the `deployments` view."""

    id: str
    platform: str
    status: str
    """An outcome, or `in_progress`."""
    environment: str
    service: str
    commit_hash: str
    version: str
    deployed_at: str
    deployed_by: str
    metadata: Mapping[str, Any]


def fence_of(now: datetime) -> int:
    """Give the fence of a moment: milliseconds since 1970. A ledger gives it, or one more than its last."""
    return int(now.timestamp() * 1000)


class Ledger(Protocol):
    """A store of events. Every method may raise StateError."""

    def acquire(self, service: str, environment: str, holder: str, seconds: float) -> Lease:
        """Take the lease; raise LeaseHeldError, which says who has it and until when."""
        ...

    def holder(self, service: str, environment: str) -> Lease | None:
        """Give the lease that is held now, if any."""
        ...

    def renew(self, lease: Lease, seconds: float) -> None:
        """Keep the lease; raise LeaseLostError where somebody else has it now."""
        ...

    def release(self, lease: Lease) -> None:
        """Give the lease back; one that was lost is left alone."""
        ...

    def append(self, event: LedgerEvent, lease: Lease) -> None:
        """Record an event; recording it twice is recording it once. Raise LeaseLostError."""
        ...

    def replay(self, events: Sequence[SpooledEvent]) -> int:
        """Record what could not be recorded in its time, in any order; how many were new.

        Nobody has to hold a lease for it any more. What a later holder of the lease did to the same rollout stays its
        journal, and what is older than what serves changes nothing of that: it is history.
        """
        ...

    def events(self, rollout: str) -> Sequence[LedgerEvent]:
        """Give the journal of a rollout, in order."""
        ...

    def unfinished(self, service: str, environment: str) -> str | None:
        """Give the latest rollout that has no ending, if any."""
        ...

    def standing(self, service: str, environment: str) -> Standing | None:
        """Give what serves there, as of the last finished rollout."""
        ...

    def verified(self, service: str, environment: str) -> Sequence[Standing]:
        """Give every standing that a gate verified, the newest first, each digest once."""
        ...

    def rolled_back(self, service: str, environment: str, digest: str) -> bool:
        """Whether the last rollout of this digest there ended by going back or by breaking."""
        ...

    def deployments(self, *, service: str = "", environment: str = "", limit: int = 20) -> Sequence[Deployment]:
        """Give rollouts, the newest first."""
        ...

    def chain(self) -> Chain:
        """Give where the chain of events begins and ends."""
        ...

    def links(self, after: int) -> Iterator[Link]:
        """Give every event from a position on, as it is kept, with its place in the chain."""
        ...

    def forget(self, before: datetime) -> int:
        """Remove the oldest events, up to the first that is younger or whose rollout goes on; how many."""
        ...

    def metrics(self, question: "Question") -> "Sequence[Counted]":
        """Count and measure what ended in a time."""
        ...
