"""What the board reads from the ledger, and what a store of it must be able to give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lockgate.core.board.findings import Short
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.viewer import Viewer
from lockgate.core.board.watching import WatchNote
from lockgate.core.budgets import Promises
from lockgate.core.ledger import Deployment, LedgerEvent
from lockgate.core.metrics import Counted, Question

NOTHING = "0" * 64
"""The hash before the first event."""
OPEN = 200
"""Rollouts under way that are shown at once."""


@dataclass(frozen=True, slots=True)
class Place:
    """One service in one environment."""

    service: str
    environment: str


@dataclass(frozen=True, slots=True)
class Serving:
    """What serves in a place, as of the last rollout that ended there."""

    service: str
    environment: str
    version: str
    commit: str
    digest: str
    verified: bool
    """Whether a gate judged it healthy under full traffic."""
    rollout: str
    """The last one that ended; where it went back, not the one that brought what serves."""
    status: str
    """How it ended."""
    tried: str
    """The version it brought, or tried to."""
    at: str
    """When it ended: UTC, ISO 8601."""
    by: str
    found: Short | None = None
    """What the scan of what serves found; None where it was not scanned, or an earlier version did not say."""

    @property
    def place(self) -> Place:
        """Where."""
        return Place(self.service, self.environment)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the hash chain: a position in the ledger that is comparable only within the same history."""

    position: int = 0
    hash: str = NOTHING

    def __str__(self) -> str:
        return f"{self.position}.{self.hash[:12]}"


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One event of the ledger as it goes to whoever watches, with its place in the chain."""

    head: Head
    event: LedgerEvent
    """Without the dossier: that is for the page of a release."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a history, the newest first."""

    rows: Sequence[Deployment]
    newer: bool
    """Whether there is anything before the first row."""
    older: bool
    """Whether there is anything after the last one."""

    @classmethod
    def of(cls, rows: Sequence[Deployment], page: Page) -> "Slice":
        """Make a page of what was read: one row more than it holds, and the other way round where it goes back."""
        more, rows = len(rows) > page.limit, rows[: page.limit]
        if page.back:
            return cls(rows[::-1], newer=more, older=bool(rows))
        return cls(rows, newer=bool(page.at) and bool(rows), older=more)


class BoardStore(Protocol):
    """The ledger as the board reads it. Blocking; any thread may call it; every method may raise StateError.

    `viewer` says whose eyes it is read with: rows of services that they may not see do not exist for them.
    """

    def serving(self, viewer: Viewer) -> Sequence[Serving]:
        """Give what serves in every place, by service and environment."""
        ...

    def open(self, viewer: Viewer) -> Sequence[Deployment]:
        """Give every rollout that has no ending, the newest first, at most OPEN."""
        ...

    def history(self, viewer: Viewer, wanted: Filter, page: Page) -> Slice:
        """Give one page of the rollouts that a filter lets through."""
        ...

    def deployment(self, viewer: Viewer, rollout: str) -> Deployment | None:
        """Give one rollout."""
        ...

    def journal(self, viewer: Viewer, rollout: str) -> Sequence[LedgerEvent]:
        """Give the events of one rollout, in order; none where retention has removed them."""
        ...

    def watching(self, viewer: Viewer, deployment: Deployment) -> WatchNote | None:
        """Give what the watch of a rollout that goes on has seen so far, where somebody noted it."""
        ...

    def busy(self, services: Sequence[str], since: datetime) -> Mapping[str, int]:
        """Give how many rollouts each of these services had since then."""
        ...

    def metrics(self, viewer: Viewer, question: Question, services: Sequence[str] = ()) -> Sequence[Counted]:
        """Count and measure what ended in a time, of these services alone where any are named."""
        ...

    def budgets(self, viewer: Viewer, question: Question, services: Sequence[str] = ()) -> Sequence[Promises]:
        """Count how often each budget was kept by the changes that ended in a time, of these services alone."""
        ...

    def head(self) -> Head:
        """Give the end of the ledger."""
        ...

    def at(self, position: int) -> Head | None:
        """Give a position with its hash; None where the ledger has no such event any more, or not yet."""
        ...

    def after(self, position: int, limit: int) -> Sequence[FeedItem]:
        """Give events from a position on, in the order of their commits."""
        ...

    def close(self) -> None:
        """Let every connection go."""
        ...
