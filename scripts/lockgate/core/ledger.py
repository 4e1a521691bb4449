"""The append-only record of what was done, and what every store of it must be able to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.core.rollout_model import Standing


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
