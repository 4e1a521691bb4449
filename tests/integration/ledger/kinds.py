"""One ledger of each kind, and what a test may do to it from outside."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from lockgate.adapters.ledger.called import CalledLedger
from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.adapters.ledger.supabase import SupabaseCall
from lockgate.adapters.sqlite_ledger import SqliteLedger


class HandClock:
    """A clock that moves when told."""

    def __init__(self):
        self.time = datetime.now(UTC).replace(microsecond=0)

    def now(self):
        return self.time

    def monotonic(self):
        return self.time.timestamp()

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


@dataclass
class Kind:
    """A ledger under test. Every kind that holds to `core.ledger.Ledger` can be put here."""

    name: str
    ledger: Any
    clock: HandClock
    database: str = ""
    owner: Any = None
    path: Path | None = None
    call: PostgresCall | None = None
    config: Any = "sqlite"
    """What lockgate.yml says of it."""
    secret: str = ""

    def expire_leases(self):
        """Let the time of every lease pass."""
        if self.path:
            with sqlite3.connect(self.path) as db:
                db.execute("update leases set expires_at = '2020-01-01T00:00:00+00:00'")
        else:
            self.execute("update public.deployment_leases set expires_at = '2020-01-01'")

    def tamper(self, sqlite, postgres):
        """Change what is kept, as somebody with all rights on the database would."""
        if self.path:
            with sqlite3.connect(self.path) as db:
                db.executescript(
                    "drop trigger events_are_never_changed; drop trigger events_are_never_removed;" + sqlite
                )
        else:
            with self.owner() as db, db.transaction():
                db.execute("set local session_replication_role = replica")
                db.execute(postgres)

    def execute(self, query):
        with self.owner() as db:
            return db.execute(sql.SQL(query))

    def close(self):
        if self.call:
            self.call.close()


def sqlite_kind(folder):
    clock = HandClock()
    path = folder / "ledger.db"
    return Kind("sqlite", SqliteLedger(path, clock), clock, path=path)


def postgres_kind(databases, name):
    dsn = databases.server.dsn(name, "deployer")
    call = PostgresCall(dsn, 5)
    owner = lambda: databases.owner(name)  # noqa: E731 - what opens a connection
    told = {"kind": "postgres"}
    return Kind("postgres", CalledLedger(call), HandClock(), name, owner, call=call, config=told, secret=dsn)


def supabase_kind(databases, name, project, key=""):
    secret = key or project.keys.secret
    ledger = CalledLedger(SupabaseCall(project.url, secret, 5))
    owner = lambda: databases.owner(name)  # noqa: E731
    told = {"kind": "supabase", "url": project.url}
    return Kind("supabase", ledger, HandClock(), name, owner, config=told, secret=secret)
