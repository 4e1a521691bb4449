"""A ledger with what every repository has: files on a branch, replaced by compare-and-swap. No database.

Questions are answered by a ledger on this machine, the mirror, into which the events are read; so they mean the same.
"""

import secrets as tokens
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lockgate.adapters.clock import Clock
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.files import ConflictError, Files
from lockgate.core import leased_log
from lockgate.core.leased_log import Head
from lockgate.core.ledger import Deployment, Lease, Ledger, LedgerEvent
from lockgate.core.rollout_model import Standing
from lockgate.errors import GitHubError, LeaseHeldError, LeaseLostError, LedgerDamagedError, StateError

_TRIES = 12
_PAUSE = 0.2
_FOREVER = 1e9


class GitHubLedger:
    """A `Ledger` in a repository. Any number of machines may use it at the same time."""

    def __init__(self, hub: GitHub, mirror: Ledger, clock: Clock) -> None:
        self._files = Files(hub, clock)
        self._mirror = mirror
        self._clock = clock
        self._heads: dict[str, tuple[Head, str]] = {}
        """What was read or written last, with its blob; a writer who is wrong about it is told by a conflict."""
        self._seconds: dict[str, float] = {}
        self._copied: set[str] = set()
        self._lock = threading.RLock()

    def acquire(self, service: str, environment: str, holder: str, seconds: float) -> Lease:
        """Take the lease; raise LeaseHeldError, which says who has it and until when."""
        claim = tokens.token_hex(8)
        with _explained():
            self._read(service, environment)

        def take(head: Head) -> Head:
            if head.claim == claim:
                return head
            if head.held(self._files.now()):
                raise _held(head)
            return head.claimed(holder, claim, self._files.now(), seconds)

        head = self._change(service, environment, take, f"{environment}: lease taken by {holder}")
        self._seconds[leased_log.name(service, environment)] = seconds
        self._tidy(head)
        self._copy(service, environment)
        return head.lease()

    def holder(self, service: str, environment: str) -> Lease | None:
        """Give the lease that is held now, if any."""
        with _explained():
            head = self._read(service, environment)
            return head.lease() if head.held(self._files.now()) else None

    def renew(self, lease: Lease, seconds: float) -> None:
        """Keep the lease; raise LeaseLostError. Nothing is written while more than half of it is left."""
        self._seconds[leased_log.name(lease.service, lease.environment)] = seconds

        def extend(head: Head) -> Head:
            _must_hold(head, lease)
            now = self._files.now()
            return head if head.extended(now, seconds / 2).expires_at < head.expires_at else head.extended(now, seconds)

        self._change(lease.service, lease.environment, extend, f"{lease.environment}: lease renewed")

    def release(self, lease: Lease) -> None:
        """Give the lease back; one that was lost is left alone."""

        def give_back(head: Head) -> Head:
            return head.given_back() if head.fence == lease.fence else head

        self._change(lease.service, lease.environment, give_back, f"{lease.environment}: lease given back")

    def append(self, event: LedgerEvent, lease: Lease) -> None:
        """Record an event and keep the lease in one; recording it twice is recording it once. Raise LeaseLostError."""
        seconds = self._seconds.get(leased_log.name(lease.service, lease.environment), 0.0)

        def add(head: Head) -> Head:
            if any(one.id == event.id for one in head.events):
                return head
            _must_hold(head, lease)
            return head.with_event(event).extended(self._files.now(), seconds)

        self._change(lease.service, lease.environment, add, f"{event.environment}: {event.rollout} {event.kind}")
        self._keep([event])

    def events(self, rollout: str) -> Sequence[LedgerEvent]:
        """Give the journal of a rollout, in order."""
        with _explained():
            journal = self._files.read(f"rollouts/{rollout}.json").text
        if journal:
            self._keep(leased_log.load_events(journal))
        else:
            self._copy_all()  # it goes on, perhaps on another machine
        return self._mirror.events(rollout)

    def unfinished(self, service: str, environment: str) -> str | None:
        """Give the latest rollout that has no ending, if any."""
        self._copy(service, environment)
        return self._mirror.unfinished(service, environment)

    def standing(self, service: str, environment: str) -> Standing | None:
        """Give what serves there, as of the last finished rollout."""
        self._copy(service, environment)
        return self._mirror.standing(service, environment)

    def verified(self, service: str, environment: str) -> Sequence[Standing]:
        """Give every standing that a gate verified, the newest first, of the last rollouts that are kept."""
        self._copy(service, environment)
        return self._mirror.verified(service, environment)

    def rolled_back(self, service: str, environment: str, digest: str) -> bool:
        """Whether the last rollout of this digest there ended by going back or by breaking."""
        self._copy(service, environment)
        return self._mirror.rolled_back(service, environment, digest)

    def deployments(self, *, service: str = "", environment: str = "", limit: int = 20) -> Sequence[Deployment]:
        """Give rollouts, the newest first."""
        self._copy_all()
        return self._mirror.deployments(service=service, environment=environment, limit=limit)

    def _change(self, service: str, environment: str, change: Callable[[Head], Head], message: str) -> Head:
        """Replace an environment's head by what `change` makes of it, however often others are faster."""
        name = leased_log.name(service, environment)
        # The heartbeat's thread and the rollout's write the same document.
        with self._lock, _explained():
            for tried in range(_TRIES):
                before, sha = self._heads.get(name) or (self._read(service, environment), self._heads[name][1])
                after = change(before)
                if after == before:
                    return before
                try:
                    file = self._files.write(f"heads/{name}", after.dump(), sha, message)
                except ConflictError:
                    self._clock.sleep(_PAUSE * (tried + 1) * (0.5 + tokens.randbelow(1000) / 1000))
                    self._read(service, environment)
                else:
                    self._heads[name] = (after, file.sha)
                    return after
        raise StateError(
            f"The ledger of {environment} could not be written: others were faster {_TRIES} times.",
            fix="Try again; fewer targets at the same time (`concurrency`) write less at once.",
        )

    def _read(self, service: str, environment: str) -> Head:
        name = leased_log.name(service, environment)
        file = self._files.read(f"heads/{name}")
        try:
            head = Head.load(file.text) if file.sha else Head(service, environment)
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerDamagedError(
                f"heads/{name} on the ledger's branch is not what Lockgate writes ({error}).",
                fix="Restore it from the branch's history; nothing was changed.",
            ) from error
        self._heads[name] = (head, file.sha)
        return head

    def _tidy(self, head: Head) -> None:
        """Move what is finished on, now that the lease is ours: journal first, so that nothing is ever nowhere."""
        name = leased_log.name(head.service, head.environment)
        finished = head.finished()
        if not finished:
            return
        with _explained():
            for rollout in finished:
                journal = [one for one in head.events if one.rollout == rollout]
                self._replace(f"rollouts/{rollout}.json", lambda _, j=journal: j, rollout)  # type: ignore[misc]
                self._replace(f"recent/{name}", lambda old, j=journal: leased_log.recent(old, j), rollout)  # type: ignore[misc]
        self._change(head.service, head.environment, lambda now: now.without(finished), f"{head.environment}: tidied")

    def _replace(self, path: str, change: Callable[[list[LedgerEvent]], Sequence[LedgerEvent]], what: str) -> None:
        for _ in range(_TRIES):
            file = self._files.read(path)
            text = leased_log.dump_events(change(leased_log.load_events(file.text) if file.text else []))
            if text == file.text:
                return
            try:
                self._files.write(path, text, file.sha, f"{what}: finished")
            except ConflictError:
                continue
            return
        raise GitHubError(f"{path} could not be written: others were faster.")

    def _copy(self, service: str, environment: str) -> None:
        self._copy_named(leased_log.name(service, environment), service, environment)

    def _copy_named(self, name: str, service: str, environment: str) -> None:
        with _explained():
            kept = self._files.read(f"recent/{name}").text
            head = self._read(service, environment)
        self._keep([*(leased_log.load_events(kept) if kept else []), *head.events])

    def _copy_all(self) -> None:
        with _explained():
            names = {*self._files.names("heads"), *self._files.names("recent")}
        for name in sorted(names):
            service, _, environment = name.removesuffix(".json").partition(".")
            self._copy_named(name, service, environment.replace("_", "/"))

    def _keep(self, events: Sequence[LedgerEvent]) -> None:
        """Copy events into the mirror, which nobody else writes."""
        for event in events:
            if event.id not in self._copied:
                where = (event.service, event.environment)
                self._mirror.append(
                    event, self._mirror.holder(*where) or self._mirror.acquire(*where, "copy", _FOREVER)
                )
                self._copied.add(event.id)


def _must_hold(head: Head, lease: Lease) -> None:
    if head.fence != lease.fence:
        raise LeaseLostError(
            f"The lease on {lease.service} in {lease.environment} was taken over by {head.holder}.",
            why=f"It was not renewed before {lease.expires_at}: this process stood still, or GitHub was away.",
            fix="Nothing to do here: the other rollout recovers what this one left. See `lockgate status`.",
        )


def _held(head: Head) -> LeaseHeldError:
    return LeaseHeldError(
        f"{head.service} in {head.environment} is being deployed by {head.holder}.",
        why=f"Its lease runs until {head.expires_at}, by GitHub's clock, and is renewed while it works.",
        fix="Wait for it to end. If its machine is gone, the lease expires by itself; "
        "then `lockgate recover` undoes what it left.",
    )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except GitHubError as error:
        raise StateError(
            f"The ledger on GitHub could not be used: {error.what}",
            why=error.why,
            fix=error.fix or "Try again. Writing needs `contents: write`.",
        ) from error
