"""The embedded ledger: one SQLite file. Append-only by trigger, fenced by the lease in the same transaction."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lockgate.adapters.clock import Clock
from lockgate.adapters.state import explained, make_directory
from lockgate.core.ledger import Deployment, Lease, LedgerEvent
from lockgate.core.rollout_model import Standing
from lockgate.errors import (
    DiskFullError,
    LeaseHeldError,
    LeaseLostError,
    LedgerDamagedError,
    StateError,
    StateNotWritableError,
)

BUSY_SECONDS = 10.0
_SCHEMA = Path(__file__).with_name("sqlite_schema.sql")


class SqliteLedger:
    """A `Ledger` in a file. Each call is one connection and one transaction, so any process may use it at any time."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        make_directory(path.parent)
        with self._transaction() as db:
            db.executescript(_SCHEMA.read_text(encoding="utf-8"))

    def acquire(self, service: str, environment: str, holder: str, seconds: float) -> Lease:
        """Take the lease; raise LeaseHeldError, which says who has it and until when."""
        now = self._clock.now()
        with self._transaction() as db:
            row = db.execute(
                "select holder, fence, expires_at from leases where service = ? and environment = ?",
                (service, environment),
            ).fetchone()
            if row and datetime.fromisoformat(row["expires_at"]) > now:
                raise LeaseHeldError(
                    f"{service} in {environment} is being deployed by {row['holder']}.",
                    why=f"Its lease runs until {row['expires_at']} and is renewed while it works.",
                    fix="Wait for it to end. If its machine is gone, the lease expires by itself; "
                    "then `lockgate recover` undoes what it left.",
                )
            lease = Lease(service, environment, holder, (row["fence"] if row else 0) + 1, _after(now, seconds))
            db.execute(
                "insert into leases values (:service, :environment, :holder, :fence, :expires_at) "
                "on conflict (service, environment) do update "
                "set holder = :holder, fence = :fence, expires_at = :expires_at",
                {
                    "service": service,
                    "environment": environment,
                    "holder": holder,
                    "fence": lease.fence,
                    "expires_at": lease.expires_at,
                },
            )
        return lease

    def holder(self, service: str, environment: str) -> Lease | None:
        """Give the lease that is held now, if any."""
        rows = self._rows(
            "select holder, fence, expires_at from leases where service = ? and environment = ?", (service, environment)
        )
        held = [row for row in rows if datetime.fromisoformat(row["expires_at"]) > self._clock.now()]
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
            db.execute(
                "insert into events select ?, ?, ?, ?, ?, ?, ?, ? where exists (select 1 from leases where "
                "service = ? and environment = ? and fence = ?) on conflict (id) do nothing",
                (
                    *(event.id, event.rollout, event.seq, event.at, event.kind, event.service, event.environment),
                    json.dumps(dict(event.data), separators=(",", ":")),
                    *(lease.service, lease.environment, lease.fence),
                ),
            )
            if not db.execute("select 1 from events where id = ?", (event.id,)).fetchone():
                raise _lost(lease)

    def events(self, rollout: str) -> Sequence[LedgerEvent]:
        """Give the journal of a rollout, in order."""
        rows = self._rows("select * from events where rollout = ? order by seq", (rollout,))
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
        rows = self._standings(service, environment)
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
            "select status from deployments where service = ? and environment = ? and status <> 'in_progress' "
            "and json_extract(metadata, '$.digest') = ? order by deployed_at desc limit 1",
            (service, environment, digest),
        )
        return bool(rows) and rows[0]["status"] in {"rolled_back", "broken"}

    def deployments(self, *, service: str = "", environment: str = "", limit: int = 20) -> Sequence[Deployment]:
        """Give rollouts, the newest first."""
        rows = self._rows(
            "select * from deployments where (?1 = '' or service = ?1) and (?2 = '' or environment = ?2) "
            "order by deployed_at desc, id desc limit ?3",
            (service, environment, limit),
        )
        return [Deployment(**{**dict(row), "metadata": json.loads(row["metadata"])}) for row in rows]

    def _standings(self, service: str, environment: str) -> list[Standing]:
        rows = self._rows(
            "select json_extract(data, '$.standing') as standing from events where service = ? and environment = ? "
            "and kind = 'rollout.finished' and json_extract(data, '$.standing') is not null order by at desc, rollout",
            (service, environment),
        )
        return [Standing.from_dict(json.loads(row["standing"])) for row in rows]

    def _set_expiry(self, lease: Lease, expires_at: str, *, must_hold: bool) -> None:
        with self._transaction() as db:
            changed = db.execute(
                "update leases set expires_at = ? where service = ? and environment = ? and fence = ?",
                (expires_at, lease.service, lease.environment, lease.fence),
            ).rowcount
        if must_hold and not changed:
            raise _lost(lease)

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


def _after(now: datetime, seconds: float) -> str:
    return (now + timedelta(seconds=seconds)).isoformat()


def _lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(
        f"The lease on {lease.service} in {lease.environment} was taken over by another rollout.",
        why=f"It was not renewed before {lease.expires_at}: this process stood still, or the machine's clock jumped.",
        fix="Nothing to do here: the other rollout recovers what this one left. See `lockgate status`.",
    )


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
    return StateError(f"The ledger {path} could not be used: {text}.")
