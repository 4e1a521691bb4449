"""A ledger with what every repository has: files on a branch, replaced by compare-and-swap. No database.

Questions are answered by a ledger on this machine, the mirror, into which the events are read; so they mean the same.
"""

import secrets as tokens
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from lockgate.adapters.clock import Clock
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.files import Files
from lockgate.adapters.github.head_file import HeadFile, damaged, explained
from lockgate.adapters.github.log_files import Limits, LogFiles
from lockgate.adapters.github.log_mirror import LogMirror
from lockgate.adapters.lease_words import held, lost
from lockgate.core import leased_log, log_parts, recorded
from lockgate.core.chain import Chain, Link
from lockgate.core.leased_log import Head, Held, key
from lockgate.core.ledger import Deployment, Lease, Ledger, LedgerEvent, SpooledEvent
from lockgate.core.metrics import Counted, Question
from lockgate.core.rollout_model import Standing
from lockgate.errors import StateError

_AT_ONCE = 100
"""Events of a replay in one write."""
_EVERYTHING = 10**9


class GitHubLedger:
    """A `Ledger` in a repository. Any number of machines may use it at the same time."""

    def __init__(self, hub: GitHub, mirror: Ledger, clock: Clock, limits: Limits | None = None) -> None:
        files = Files(hub, clock)
        self._limits = limits or Limits()
        self._head = HeadFile(files, clock)
        self._log = LogFiles(files, self._limits)
        self._mirror = LogMirror(self._log, mirror)
        self._seconds: dict[str, float] = {}
        """By place, how long the lease runs that this process has."""

    def acquire(self, service: str, environment: str, holder: str, seconds: float) -> Lease:
        """Take the lease; raise LeaseHeldError, which says who has it and until when."""
        claim = tokens.token_hex(8)
        with explained():
            self._shorten(self._head.read(), self._limits.long)

        def take(head: Head) -> Head:
            place = head.place(service, environment)
            if place.claim == claim:
                return head
            if place.is_held(self._head.now()):
                raise held(place.lease())
            return head.claimed(place, holder, claim, self._head.now(), seconds)

        head = self._head.change(take, f"{service} {environment}: lease taken by {holder}")
        self._seconds[leased_log.name(service, environment)] = seconds
        return head.place(service, environment).lease()

    def holder(self, service: str, environment: str) -> Lease | None:
        """Give the lease that is held now, if any."""
        place = self._head.read().place(service, environment)
        return place.lease() if place.is_held(self._head.now()) else None

    def renew(self, lease: Lease, seconds: float) -> None:
        """Keep the lease; raise LeaseLostError. Nothing is written while more than half of it is left."""
        self._head.read()

        def extend(head: Head) -> Head:
            place, now = _held_by(head, lease), self._head.now()
            half = head.extended(place, now, seconds / 2).place(lease.service, lease.environment)
            return head if half.expires_at < place.expires_at else head.extended(place, now, seconds)

        self._head.change(extend, f"{lease.service} {lease.environment}: lease renewed")

    def release(self, lease: Lease) -> None:
        """Give the lease back; one that was lost is left alone."""

        def give_back(head: Head) -> Head:
            place = head.place(lease.service, lease.environment)
            return head.given_back(place) if place.fence == lease.fence else head

        self._head.change(give_back, f"{lease.service} {lease.environment}: lease given back")

    def append(self, event: LedgerEvent, lease: Lease) -> None:
        """Record an event and keep the lease in one; recording it twice is recording it once. Raise LeaseLostError."""
        link = leased_log.link(event, lease.fence)
        seconds = self._seconds.get(leased_log.name(lease.service, lease.environment), 0.0)
        kept = self._kept(link)

        def add(head: Head) -> Head:
            place = head.place(lease.service, lease.environment)
            mine = place.fence == lease.fence
            if self._has(head, link) or (mine and place.written == event.id) or (not mine and self._ever(head, link)):
                return head
            _held_by(head, lease)
            return head.with_event(link, kept).extended(place, self._head.now(), seconds, event.id)

        head = self._head.change(add, f"{event.service} {event.environment}: {event.rollout} {event.kind}")
        self._mirror.learn([link])
        with suppress(StateError), explained():  # the event is recorded; the tail can be shortened another time
            self._shorten(head, self._limits.too_long)

    def replay(self, events: Sequence[SpooledEvent]) -> int:
        """Record what could not be recorded in its time, as history where somebody else went on; how many were new."""
        links = list({key(link): link for link in (leased_log.link(one.event, one.fence) for one in events)}.values())
        self._head.read()
        return sum(self._add_all(links[first : first + _AT_ONCE]) for first in range(0, len(links), _AT_ONCE))

    def events(self, rollout: str) -> Sequence[LedgerEvent]:
        """Give the journal of a rollout, in order."""
        head = self._head.read()
        with explained():
            after = self._mirror.begins(head, rollout)
            found = [one for links in self._log.segments(head, after) for one in links if one.rollout == rollout]
            found += [one for one in head.tail if one.rollout == rollout]
            return [_checked(leased_log.event(self._log.whole(one))) for one in leased_log.journal(found)]

    def unfinished(self, service: str, environment: str) -> str | None:
        """Give the latest rollout that has no ending, if any."""
        return self._of_place(service, environment).unfinished(service, environment)

    def standing(self, service: str, environment: str) -> Standing | None:
        """Give what serves there, as of the last finished rollout."""
        return self._of_place(service, environment).standing(service, environment)

    def verified(self, service: str, environment: str) -> Sequence[Standing]:
        """Give every standing that a gate verified, the newest first, of the last rollouts that are remembered."""
        return self._of_place(service, environment).verified(service, environment)

    def rolled_back(self, service: str, environment: str, digest: str) -> bool:
        """Whether the last rollout of this digest there ended by going back or by breaking."""
        return self._of_place(service, environment).rolled_back(service, environment, digest)

    def deployments(self, *, service: str = "", environment: str = "", limit: int = 20) -> Sequence[Deployment]:
        """Give rollouts, the newest first."""
        head = self._head.read()
        with explained():
            known = self._mirror.of_places(head, service, environment, limit)
        return known.deployments(service=service, environment=environment, limit=limit)

    def chain(self) -> Chain:
        """Give where the chain of events begins and ends."""
        return self._head.read().chain

    def links(self, after: int) -> Iterator[Link]:
        """Give every event from a position on, as it is kept, with its place in the chain."""
        head = self._head.read()
        with explained():
            for links in self._log.segments(head, after):
                yield from map(self._log.whole, links)
            yield from (self._log.whole(one) for one in head.tail if one.position > max(after, head.chain.first))

    def forget(self, before: datetime) -> int:
        """Remove the oldest events, up to the first that is younger or whose rollout goes on; how many."""
        with explained():
            head = self._shorten(self._head.read(), 0)
            known = self._mirror.of_everything(head)
            going_on = {one.id for one in known.deployments(limit=_EVERYTHING) if one.status == "in_progress"}
            gone: list[Link] = []
            for one in (one for links in self._log.segments(head) for one in links):
                if one.rollout in going_on or datetime.fromisoformat(one.at) >= before:
                    break
                gone.append(one)
            if not gone:
                return 0
            after = self._head.change(
                lambda now: now.forgotten(gone[-1]), f"{len(gone)} events removed by the retention"
            )
            self._log.remove(head, after)
        return len(gone)

    def metrics(self, question: Question) -> Sequence[Counted]:
        """Count and measure what ended in a time."""
        head = self._head.read()
        with explained():
            known = self._mirror.of_everything(head)
        return known.metrics(question)

    def _of_place(self, service: str, environment: str) -> Ledger:
        head = self._head.read()
        with explained():
            return self._mirror.of_place(head, service, environment)

    def _add_all(self, links: Sequence[Link]) -> int:
        kept = {key(link): self._kept(link) for link in links}
        new: list[Link] = []

        def add(head: Head) -> Head:
            new[:] = [link for link in links if not self._ever(head, link)]
            for link in new:
                head = head.with_event(link, kept[key(link)])
                if not head.place(link.service, link.environment).fence:
                    head = head.with_place(Held(link.service, link.environment))
            return head

        head = self._head.change(add, f"{len(links)} events that were kept elsewhere")
        self._mirror.learn(new)
        with explained():
            self._shorten(head, self._limits.too_long)
        return len(new)

    def _has(self, head: Head, link: Link) -> bool:
        return self._mirror.knows(link) or any(key(one) == key(link) for one in head.tail)

    def _ever(self, head: Head, link: Link) -> bool:
        """Whether an event is in the log, wherever: everything is read to know that."""
        if not self._has(head, link):
            self._mirror.of_everything(head)
        return self._has(head, link)

    def _kept(self, link: Link) -> str:
        data, parts = log_parts.taken_out(link.data)
        with explained():
            self._log.keep(parts)
        return data

    def _shorten(self, head: Head, longest: int) -> Head:
        """Move a long tail on. It is copied first, so that nothing is ever nowhere."""
        if not head.tail or sum(len(one.data) for one in head.tail) < longest:
            return head
        position, segment = self._log.move(head)
        return self._head.change(lambda now: now.moved_to(position, segment), "the newest events moved on")


def _checked(event: LedgerEvent) -> LedgerEvent:
    try:
        recorded.check(event.kind, event.data)
    except (ValueError, RecursionError) as error:
        raise damaged(f"{event.rollout}/{event.seq}", error) from error
    return event


def _held_by(head: Head, lease: Lease) -> Held:
    place = head.place(lease.service, lease.environment)
    if place.fence != lease.fence:
        raise lost(lease)
    return place
