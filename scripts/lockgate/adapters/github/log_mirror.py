"""A ledger on this machine that holds what was read of the log, and answers questions about it."""

import json
import threading
from collections.abc import Iterable

from lockgate.adapters.github.head_file import damaged
from lockgate.adapters.github.log_files import LogFiles
from lockgate.core import leased_log, log_parts, log_recent, recorded
from lockgate.core.chain import Link
from lockgate.core.leased_log import Head, Key
from lockgate.core.ledger import Ledger
from lockgate.errors import StateError


class LogMirror:
    """Reads no more than a question needs, and nothing twice."""

    def __init__(self, log: LogFiles, ledger: Ledger) -> None:
        self._log = log
        self._ledger = ledger
        self._known: set[Key] = set()
        self._pending: list[Link] = []
        self._first: dict[str, int] = {}
        """By rollout, where in the log its first event is, as far as that was read."""
        self._told: dict[str, int] = {}
        """By place, up to where its list of what is recent was read."""
        self._loaded = 0
        """The position up to which everything was read."""
        # The targets of a fleet write and ask at the same time.
        self._lock = threading.RLock()

    def knows(self, link: Link) -> bool:
        """Whether an event was read or written before, by this process."""
        return leased_log.key(link) in self._known

    def learn(self, links: Iterable[Link]) -> None:
        """Take events in; the ledger gets them when it is asked. Raise LedgerDamagedError for what nobody wrote so."""
        with self._lock:
            for link in links:
                if link.position:
                    self._first[link.rollout] = min(link.position, self._first.get(link.rollout, link.position))
                if leased_log.key(link) not in self._known:
                    self._pending.append(self._checked(link))
                    self._known.add(leased_log.key(link))

    def begins(self, head: Head, rollout: str) -> int:
        """Give a position before the first event of a rollout: 0 where it is too old to be remembered."""
        for place in head.places.values():
            self.of_place(head, place.service, place.environment)
        return self._first.get(rollout, 1) - 1

    def of_place(self, head: Head, service: str, environment: str) -> Ledger:
        """Give the ledger, which knows the last rollouts of a place."""
        where = leased_log.name(service, environment)
        if head.moved and self._told.get(where, 0) < head.moved:
            self.learn(self._log.recent(service, environment))
            self._told[where] = head.moved
        self.learn(head.tail)
        return self._asked()

    def of_places(self, head: Head, service: str, environment: str, limit: int) -> Ledger:
        """Give the ledger, which knows that many rollouts of the places that are meant; "" means all of them."""
        meant = [
            place
            for place in head.places.values()
            if service in {"", place.service} and environment in {"", place.environment}
        ]
        for place in meant:
            self.of_place(head, place.service, place.environment)
        if limit > log_recent.KEPT:
            for place in meant:
                known = self._ledger.deployments(
                    service=place.service, environment=place.environment, limit=log_recent.KEPT
                )
                if len(known) == log_recent.KEPT:
                    return self.of_everything(head)
        return self._asked()

    def of_everything(self, head: Head) -> Ledger:
        """Give the ledger, which knows everything that is kept."""
        for links in self._log.segments(head, self._loaded):
            self.learn(links)
        self._loaded = max(self._loaded, head.moved)
        for place in head.places.values():  # what the retention removed is remembered there
            self.of_place(head, place.service, place.environment)
        return self._asked()

    def _asked(self) -> Ledger:
        with self._lock:
            if self._pending:
                try:
                    self._ledger.replay([leased_log.spooled(link) for link in self._pending])
                except (ValueError, OverflowError, RecursionError, StateError) as error:
                    raise damaged("the log", error) from error
                self._pending.clear()
        return self._ledger

    def _checked(self, link: Link) -> Link:
        try:
            data = json.loads(link.data)
            if any(log_parts.is_mark(data.get(name)) for name in recorded.CHECKED):
                link = self._log.whole(link)
            recorded.check(link.kind, json.loads(link.data))
        except (ValueError, RecursionError) as error:
            raise damaged(f"{link.rollout}/{link.seq}", error) from error
        return link
