"""The embedded ledger: one SQLite file. Append-only by trigger, fenced by the lease in the same transaction."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.adapters import sqlite_chain
from lockgate.adapters.clock import Clock
from lockgate.adapters.lease_words import held, lost
from lockgate.adapters.state import explained, make_directory
from lockgate.core.chain import Chain, Link
from lockgate.core.leased_log import link
from lockgate.core.ledger import LEASE_SECONDS, Deployment, Lease, LedgerEvent, SpooledEvent, fence_of
from lockgate.core.rollout_model import Standing
from lockgate.errors import (
    DiskFullError,
    LedgerDamagedError,
    LedgerUnavailableError,
    StateError,
    StateNotWritableError,
)

if TYPE_CHECKING:
    from lockgate.core.metrics import Counted, Question

BUSY_SECONDS = 10.0
_STEP_SECONDS = 5.0
"""By so much a clock may be set back at once, and the lease of one who works is still held."""
_PAGE = 1000
_SCHEMA = Path(__file__).with_name("sqlite_schema.sql")


class SqliteLedger:
    """A `Ledger` in a file. Each call is one connection and one transaction, so any process may use it at any time."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        make_directory(path.parent)
        with self._transaction() as db:
            sqlite_chain.upgrade(db, _SCHEMA.read_text(encoding="utf-8"))

    def acquire(self, service: str, environment: str, holder: str, seconds: float) -> Lease:
        """Take the lease; raise LeaseHeldError, which says who has it and until when."""
        now = self._clock.now()
        with self._transaction() as db:
            row = db.execute(
                "select holder, fence, expires_at from leases where service = ? and environment = ?",
                (service, environment),
            ).fetchone()
            if row and _runs(row["expires_at"], now):
                raise held(Lease(service, environment, **dict(row)))
            fence = max(fence_of(now), (row["fence"] if row else 0) + 1)
            lease = Lease(service, environment, holder, fence, _after(now, seconds))
            db.execute(
                "replace into leases values (:service, :environment, :holder, :fence, :expires_at)", asdict(lease)
            )
        return lease

    def holder(self, service: str, environment: str) -> Lease | None:
        """Give the lease that is held now, if any."""
        rows = self._rows(
            "select holder, fence, expires_at from leases where service = ? and environment = ?", (service, environment)
        )
        held = [row for row in rows if _runs(row["expires_at"], self._clock.now())]
        return Lease(service, environment, **dict(held[0])) if held else None

    def renew(self, lease: Lease, seconds: float) -> None:
        """Keep the lease; raise LeaseLostError where somebody else has it now."""
        self._set_expiry(lease, _after(self._clock.now(), seconds), must_hold=True)

    def release(self, lease: Lease) -> None:
        """Give the lease back; one that was lost is left alone."""
        self._set_expiry(lease, self._clock.now().isoformat(), must_hold=False)

    def append(self, event: LedgerEvent, lease: Lease) -> None:
        """Record an event; recording it twice is recording it once. Raise LeaseLostError."""
        with self._transaction() as db:
            held = "select 1 from leases where service = ? and environment = ? and fence = ?"
            if db.execute(held, (lease.service, lease.environment, lease.fence)).fetchone():
                sqlite_chain.add(db, link(event, lease.fence))
                return
            same = "select 1 from events where rollout = ? and seq = ? and fence = ?"
            if not db.execute(same, (event.rollout, event.seq, lease.fence)).fetchone():
                raise lost(lease)

    def replay(self, events: Sequence[SpooledEvent]) -> int:
        """Record what could not be recorded in its time, as history where somebody else went on; how many were new."""
        with self._transaction() as db:
            return sum(sqlite_chain.add(db, link(one.event, one.fence)) for one in events)

    def events(self, rollout: str) -> Sequence[LedgerEvent]:
        """Give the journal of a rollout, in order."""
        rows = self._rows("select * from journal where rollout = ? order by seq", (rollout,))
        return [
            LedgerEvent(
                *(row["rollout"], row["seq"], row["at"], row["kind"], row["service"], row["environment"]),
                json.loads(row["data"]),
            )
            for row in rows
        ]

    def unfinished(self, service: str, environment: str) -> str | None:
        """Give the latest rollout that has no ending, if any."""
        rows = self._rows(
            "select id from deployments where service = ? and environment = ? and status = 'in_progress' "
            "order by deployed_at desc limit 1",
            (service, environment),
        )
        return rows[0]["id"] if rows else None

    def standing(self, service: str, environment: str) -> Standing | None:
        """Give what serves there, as of the last finished rollout."""
        rows = self._standings(service, environment, 1)
        return rows[0] if rows else None

    def verified(self, service: str, environment: str) -> Sequence[Standing]:
        """Give every standing that a gate verified, the newest first, each digest once."""
        seen: dict[str, Standing] = {}
        for standing in self._standings(service, environment):
            if standing.verified:
                seen.setdefault(standing.release.artifact.digest, standing)
        return list(seen.values())

    def rolled_back(self, service: str, environment: str, digest: str) -> bool:
        """Whether the last rollout of this digest there ended by going back or by breaking."""
        rows = self._rows(
            "select status from rollouts where service = ? and environment = ? and digest = ? "
            "and status <> 'in_progress' order by deployed_at desc limit 1",
            (service, environment, digest),
        )
        return bool(rows) and rows[0]["status"] in {"rolled_back", "broken"}

    def deployments(self, *, service: str = "", environment: str = "", limit: int = 20) -> Sequence[Deployment]:
        """Give rollouts, the newest first."""
        where, values = sqlite_chain.meant(service, environment)
        rows = self._rows(
            f"select * from deployments where true {where} order by deployed_at desc, id desc limit ?",  # noqa: S608
            (*values, limit),
        )
        return [Deployment(**{**dict(row), "metadata": json.loads(row["metadata"])}) for row in rows]

    def chain(self) -> Chain:
        """Give where the chain of events begins and ends."""
        with self._transaction() as db:
            return sqlite_chain.ends(db)

    def links(self, after: int) -> Iterator[Link]:
        """Give every event from a position on, as it is kept, with its place in the chain."""
        while page := self._page(after):
            yield from page
            after = page[-1].position

    def forget(self, before: datetime) -> int:
        """Remove the oldest events, up to the first that is younger or whose rollout goes on; how many."""
        with self._transaction() as db:
            removed = sqlite_chain.forget(db, before)
        if removed:
            sqlite_chain.shrink(self._path, self._clock.now())
        return removed

    def metrics(self, question: "Question") -> "Sequence[Counted]":
        """Count and measure what ended in a time."""
        from lockgate.core.metrics import count  # noqa: PLC0415 - only a report needs it

        with self._transaction() as db:
            return count(question, sqlite_chain.ended(db, question.service, question.environment))

    def _page(self, after: int) -> list[Link]:
        with self._transaction() as db:
            return sqlite_chain.links(db, after, _PAGE)

    def _standings(self, service: str, environment: str, most: int = -1) -> list[Standing]:
        rows = self._rows(
            "select standing from rollouts where service = ? and environment = ? and standing is not null "
            "order by fence desc, deployed_at desc, id desc limit ?",
            (service, environment, most),
        )
        return [Standing.from_dict(json.loads(row["standing"])) for row in rows]

    def _set_expiry(self, lease: Lease, expires_at: str, *, must_hold: bool) -> None:
        with self._transaction() as db:
            changed = db.execute(
                "update leases set expires_at = ? where service = ? and environment = ? and fence = ?",
                (expires_at, lease.service, lease.environment, lease.fence),
            ).rowcount
        if must_hold and not changed:
            raise lost(lease)

    def _rows(self, query: str, parameters: tuple[Any, ...]) -> list[sqlite3.Row]:
        with self._transaction() as db:
            return db.execute(query, parameters).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with explained(self._path), closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as db:
                db.row_factory = sqlite3.Row
                # Every append must survive the machine: the journal is read after a crash.
                db.execute("pragma synchronous = full")
                db.isolation_level = None
                db.execute("begin immediate")
                try:
                    yield db
                except BaseException:
                    db.rollback()
                    raise
                db.commit()
        except sqlite3.Error as error:
            raise _explain(error, self._path) from error


def _runs(expires_at: str, now: datetime) -> bool:
    """Whether a lease is held. One with longer to run than a lease lasts was taken while the clock was ahead."""
    left = (datetime.fromisoformat(expires_at) - now).total_seconds()
    return 0 < left <= LEASE_SECONDS + _STEP_SECONDS


def _after(now: datetime, seconds: float) -> str:
    return (now + timedelta(seconds=seconds)).isoformat()


def _explain(error: sqlite3.Error, path: Path) -> StateError:
    text = str(error)
    if error.sqlite_errorname in {"SQLITE_FULL", "SQLITE_IOERR_WRITE"}:
        return DiskFullError(
            f"The disk is full: the ledger {path} could not be written ({text}).",
            fix="Free some space and run the same command again; the ledger itself is whole.",
        )
    if error.sqlite_errorname in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
        return LedgerDamagedError(
            f"{path} is not a readable ledger ({text}).",
            why="Another program wrote to it, or the disk is failing.",
            fix="Move the file away and restore it from a backup; nothing was changed.",
        )
    if error.sqlite_errorname in {"SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_READONLY_DIRECTORY", "SQLITE_PERM"}:
        return StateNotWritableError(
            f"The ledger {path} cannot be written ({text}).",
            fix="Give this user write access to it, or name another directory with --state-dir or LOCKGATE_STATE_DIR.",
        )
    return LedgerUnavailableError(f"The ledger {path} could not be used: {text}.", fix="Run it again; check the disk.")
