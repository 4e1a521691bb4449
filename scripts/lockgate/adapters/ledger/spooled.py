"""A shared ledger that is never in the way: what it cannot take now is kept on this machine and sent later."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from lockgate.adapters.clock import Clock
from lockgate.adapters.ledger.spool import ENDING, Spool
from lockgate.core.chain import Chain, Link
from lockgate.core.config_ledger import LeaseRule
from lockgate.core.ledger import Deployment, Lease, Ledger, LedgerEvent, SpooledEvent, fence_of
from lockgate.core.rollout_model import Standing
from lockgate.errors import LeaseUnavailableError, LedgerRefusedError, LedgerUnavailableError, StateError

if TYPE_CHECKING:
    from lockgate.core.metrics import Counted, Question

T = TypeVar("T")
PAUSE = 10.0
"""Seconds in which a ledger that did not answer is not asked again: a slow one must not slow every step down."""


@dataclass(slots=True)
class SpooledLedger:
    """A `Ledger` over another one. Only the lease needs that one to be there."""

    inner: Ledger
    spool: Spool
    clock: Clock
    rule: LeaseRule
    say: Callable[[str], None]
    _ask_again: float = 0.0
    _why: str = ""
    _waiting: dict[str, list[SpooledEvent]] = field(default_factory=dict)
    """By rollout, what this process wrote and the ledger does not have."""
    _without_lease: set[int] = field(default_factory=set)
    _refused: dict[str, LedgerRefusedError] = field(default_factory=dict)
    """By rollout, why the ledger does not take what waits of it; this process does not ask again."""

    def acquire(self, service: str, environment: str, holder: str, seconds: float) -> Lease:
        """Take the lease; raise LeaseHeldError, or LeaseUnavailableError where the ledger is needed and away.

        A rollout that was cut off on this machine is undone without the ledger, under the lease it had.
        """
        with suppress(StateError):
            self.drain()
        try:
            return self.inner.acquire(service, environment, holder, seconds)
        except StateError as error:
            now = self.clock.now()
            until = (now + timedelta(seconds=seconds)).isoformat()
            if left := self.spool.unfinished(service, environment):
                self.say(f"{error.what} What was cut off here goes on under the lease it had.")
                return Lease(service, environment, holder, left[-1].fence, until)
            if self.rule is LeaseRule.OPTIONAL:
                self.say(f"{error.what} Going on without the lease: nothing keeps a second rollout away.")
                self._without_lease.add(fence_of(now))
                return Lease(service, environment, holder, fence_of(now), until)
            raise LeaseUnavailableError(
                f"The ledger cannot give the lease of {service} in {environment}, so nothing was begun.",
                why=" ".join(filter(None, [error.what, error.why])),
                fix=(error.fix if isinstance(error, LedgerRefusedError) else "Try again when it answers.")
                + " `ledger: {lease: optional}` begins without it, where nobody else can.",
            ) from error

    def holder(self, service: str, environment: str) -> Lease | None:
        """Give the lease that is held now, if any."""
        return self.inner.holder(service, environment)

    def renew(self, lease: Lease, seconds: float) -> None:
        """Keep the lease; raise LeaseLostError where somebody else has it now."""
        if lease.fence not in self._without_lease:
            self.inner.renew(lease, seconds)

    def release(self, lease: Lease) -> None:
        """Give the lease back; one that was lost is left alone."""
        if lease.fence not in self._without_lease:
            self.inner.release(lease)

    def append(self, event: LedgerEvent, lease: Lease) -> None:
        """Record an event: in the ledger, or else on this machine. Raise LeaseLostError, StateError."""
        entry = SpooledEvent(event, lease.fence)
        problem: StateError | None = None
        try:
            self.spool.add(entry)
        except StateError as error:
            problem = error
        waiting = self._waiting.setdefault(event.rollout, [])
        waiting.append(entry)
        try:
            self._send(waiting, lease)
        except StateError as error:
            if problem:
                waiting.remove(entry)
                raise problem from error
            self._away(error)
        else:
            del self._waiting[event.rollout]
            if event.kind == ENDING:
                self.spool.remove(event.rollout)

    def replay(self, events: Sequence[SpooledEvent]) -> int:
        """Record what could not be recorded in its time; how many were new."""
        return self.inner.replay(events)

    def drain(self) -> tuple[int, int]:
        """Send what earlier processes left here, in order: how many events, how many of them were new.

        What the ledger refuses stays here and holds nothing else up; LedgerRefusedError is raised after all others.
        """
        sent = new = 0
        before = len(self._refused)
        for rollout in self.spool.rollouts():
            if rollout in self._waiting or rollout in self._refused:
                continue
            entries = self.spool.entries(rollout)
            self._ready()
            try:
                new += self.inner.replay(entries)
                sent += len(entries)
                journal = self.inner.events(rollout)
            except LedgerRefusedError as error:
                self._refused[rollout] = error
                continue
            except StateError as error:
                self._away(error)
                raise
            if journal and journal[-1].kind == ENDING:
                self.spool.remove(rollout)
        if new:
            self.say(f"{new} events that the ledger could not take in their time are in it now")
        if len(self._refused) > before:
            self.say(f"The ledger refuses what {self.spool.folder} holds of {', '.join([*self._refused][before:])}")
        if self._refused:
            raise next(iter(self._refused.values()))
        return sent, new

    def events(self, rollout: str) -> Sequence[LedgerEvent]:
        """Give the journal of a rollout, in order: what the ledger has, and what waits here for it."""
        here = {entry.event.seq: entry.event for entry in self.spool.entries(rollout)}
        try:
            journal = {event.seq: event for event in self._read(lambda: self.inner.events(rollout))}
        except StateError:
            if not here:
                raise
            journal = {}
        return [event for _, event in sorted({**here, **journal}.items())]

    def unfinished(self, service: str, environment: str) -> str | None:
        """Give the latest rollout that has no ending, if any."""
        try:
            return self._read(lambda: self.inner.unfinished(service, environment))
        except StateError:
            left = self.spool.unfinished(service, environment)
            if not left:
                raise
            return left[0].event.rollout

    def standing(self, service: str, environment: str) -> Standing | None:
        """Give what serves there, as of the last finished rollout; where the lease is optional, as last heard."""
        try:
            found = self._read(lambda: self.inner.standing(service, environment))
        except StateError:
            if self.rule is LeaseRule.REQUIRED:
                raise
            return self.spool.remembered(service, environment)
        with suppress(StateError):
            self.spool.remember(service, environment, found)
        return found

    def verified(self, service: str, environment: str) -> Sequence[Standing]:
        """Give every standing that a gate verified, the newest first, each digest once."""
        return self._read(lambda: self.inner.verified(service, environment))

    def rolled_back(self, service: str, environment: str, digest: str) -> bool:
        """Whether the last rollout of this digest there ended by going back or by breaking."""
        try:
            return self._read(lambda: self.inner.rolled_back(service, environment, digest))
        except StateError as error:
            if self.rule is LeaseRule.REQUIRED:
                raise
            self.say(f"{error.what} Whether this release was rolled back before is not known.")
            return False

    def deployments(self, *, service: str = "", environment: str = "", limit: int = 20) -> Sequence[Deployment]:
        """Give rollouts, the newest first."""
        return self._read(lambda: self.inner.deployments(service=service, environment=environment, limit=limit))

    def chain(self) -> Chain:
        """Give where the chain of events begins and ends."""
        return self._read(self.inner.chain)

    def links(self, after: int) -> Iterator[Link]:
        """Give every event from a position on, as it is kept, with its place in the chain."""
        return self.inner.links(after)

    def forget(self, before: datetime) -> int:
        """Remove the oldest events, up to the first that is younger or whose rollout goes on; how many."""
        return self.inner.forget(before)

    def metrics(self, question: "Question") -> "Sequence[Counted]":
        """Count and measure what ended in a time."""
        return self._read(lambda: self.inner.metrics(question))

    def _send(self, waiting: list[SpooledEvent], lease: Lease) -> None:
        self._ready()
        if lease.fence in self._without_lease:
            self.inner.replay(waiting)
            waiting.clear()
        while waiting:
            self.inner.append(waiting[0].event, lease)
            waiting.pop(0)

    def _read(self, ask: Callable[[], T]) -> T:
        with suppress(StateError):
            self.drain()
        return ask()

    def _ready(self) -> None:
        if self.clock.monotonic() < self._ask_again:
            raise LedgerUnavailableError(self._why)

    def _away(self, error: StateError) -> None:
        if error.what != self._why or self.clock.monotonic() >= self._ask_again + PAUSE:
            self.say(f"{error.what} What happens is kept in {self.spool.folder} and sent when it answers.")
        if self.clock.monotonic() >= self._ask_again:
            self._ask_again = self.clock.monotonic() + PAUSE
        self._why = error.what
