"""A ledger whose whole behaviour is functions in a database; how they are called is the transport's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from lockgate.adapters.lease_words import held, lost
from lockgate.core.chain import Chain, Link
from lockgate.core.ledger import Deployment, Lease, LedgerEvent, SpooledEvent
from lockgate.core.rollout_model import Standing
from lockgate.errors import LedgerUnavailableError

if TYPE_CHECKING:
    from lockgate.core.metrics import Counted, Question

PAGE = 1000
"""Events in one answer of an export: PostgREST gives no more rows, and an answer stays well under its limits."""
BATCH = 500
"""Events in one request of a replay, and a twentieth of those in one of a removal: each is done within any timeout."""
_KEPT = ("recorded", "repeated")


class Call(Protocol):
    """Calls one function of the database; raise StateError."""

    def __call__(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """Give what it returns."""
        ...


@dataclass(frozen=True, slots=True)
class CalledLedger:
    """A `Ledger` by the functions of supabase/migrations."""

    call: Call

    def acquire(self, service: str, environment: str, holder: str, seconds: float) -> Lease:
        """Take the lease; raise LeaseHeldError, which says who has it and until when."""
        told = {"p_service": service, "p_environment": environment, "p_holder": holder, "p_seconds": seconds}
        answer = self.call("lockgate_acquire", told)
        if not answer.pop("taken"):
            raise held(Lease(**answer))
        return Lease(**answer)

    def holder(self, service: str, environment: str) -> Lease | None:
        """Give the lease that is held now, if any."""
        answer = self.call("lockgate_holder", _place(service, environment))
        return Lease(**answer) if answer else None

    def renew(self, lease: Lease, seconds: float) -> None:
        """Keep the lease; raise LeaseLostError where somebody else has it now."""
        if not self._renew(lease, seconds):
            raise lost(lease)

    def release(self, lease: Lease) -> None:
        """Give the lease back; one that was lost is left alone."""
        self._renew(lease, 0)

    def append(self, event: LedgerEvent, lease: Lease) -> None:
        """Record an event; recording it twice is recording it once. Raise LeaseLostError."""
        answer = self.call("lockgate_append", {"p_event": event.to_dict(), "p_fence": lease.fence})
        if answer == "lost":
            raise lost(lease)
        if answer not in _KEPT:
            raise _strange(answer)

    def replay(self, events: Sequence[SpooledEvent]) -> int:
        """Record what could not be recorded in its time, as history where somebody else went on; how many were new."""
        added = 0
        for begin in range(0, len(events), BATCH):
            batch = events[begin : begin + BATCH]
            entries = [{"event": one.event.to_dict(), "fence": one.fence} for one in batch]
            answer = self.call("lockgate_replay", {"p_entries": entries})
            if not isinstance(answer, int):
                raise _strange(answer)
            added += answer
        return added

    def events(self, rollout: str) -> Sequence[LedgerEvent]:
        """Give the journal of a rollout, in order."""
        return [LedgerEvent(**row) for row in self.call("lockgate_events", {"p_rollout": rollout})]

    def unfinished(self, service: str, environment: str) -> str | None:
        """Give the latest rollout that has no ending, if any."""
        found: str | None = self.call("lockgate_unfinished", _place(service, environment))
        return found

    def standing(self, service: str, environment: str) -> Standing | None:
        """Give what serves there, as of the last finished rollout."""
        found = self.call("lockgate_standing", _place(service, environment))
        return Standing.from_dict(found) if found else None

    def verified(self, service: str, environment: str) -> Sequence[Standing]:
        """Give every standing that a gate verified, the newest first, each digest once."""
        seen: dict[str, Standing] = {}
        for row in self.call("lockgate_verified", _place(service, environment)):
            standing = Standing.from_dict(row)
            seen.setdefault(standing.release.artifact.digest, standing)
        return list(seen.values())

    def rolled_back(self, service: str, environment: str, digest: str) -> bool:
        """Whether the last rollout of this digest there ended by going back or by breaking."""
        found: bool = self.call("lockgate_rolled_back", {**_place(service, environment), "p_digest": digest})
        return found

    def deployments(self, *, service: str = "", environment: str = "", limit: int = 20) -> Sequence[Deployment]:
        """Give rollouts, the newest first."""
        told = {**_place(service, environment), "p_limit": limit}
        return [Deployment(**row) for row in self.call("lockgate_deployments", told)]

    def chain(self) -> Chain:
        """Give where the chain of events begins and ends."""
        return Chain(**self.call("lockgate_chain", {}))

    def links(self, after: int) -> Iterator[Link]:
        """Give every event from a position on, as it is kept, with its place in the chain."""
        while page := self.call("lockgate_export", {"p_after": after, "p_limit": PAGE}):
            for row in page:
                yield Link(**row)
            after = page[-1]["position"]

    def forget(self, before: datetime) -> int:
        """Remove the oldest events, up to the first that is younger or whose rollout goes on; how many."""
        removed = 0
        while gone := self.call("lockgate_forget", {"p_before": before.isoformat(), "p_most": BATCH * 20}):
            removed += gone
        return removed

    def metrics(self, question: "Question") -> "Sequence[Counted]":
        """Count and measure what ended in a time."""
        from lockgate.core.metrics import Counted  # noqa: PLC0415 - only a report needs it

        told = {
            **_place(question.service, question.environment),
            "p_since": question.since.isoformat(),
            "p_until": question.until.isoformat(),
            "p_period": question.period.value,
        }
        return [Counted.from_dict(row) for row in self.call("lockgate_metrics", told)]

    def _renew(self, lease: Lease, seconds: float) -> bool:
        told = {**_place(lease.service, lease.environment), "p_fence": lease.fence, "p_seconds": seconds}
        done: bool = self.call("lockgate_renew", told)
        return done


def _strange(answer: Any) -> LedgerUnavailableError:
    """Whoever said this is not the ledger: a proxy's page, a portal. Only its own word means that an event is kept."""
    return LedgerUnavailableError(f"The ledger did not say that it kept an event, but {str(answer)[:100]!r}.")


def _place(service: str, environment: str) -> dict[str, Any]:
    return {"p_service": service, "p_environment": environment}
