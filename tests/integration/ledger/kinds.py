"""One ledger of each kind, and what a test may do to it from outside."""

import base64
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.files import BRANCH
from lockgate.adapters.github.ledger import GitHubLedger
from lockgate.adapters.github.log_files import Limits
from lockgate.adapters.ledger.called import CalledLedger
from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.adapters.ledger.supabase import SupabaseCall
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.core.chain import Link
from lockgate.core.leased_log import Head, dump_links, load_links
from tests.standins.github import contents


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
    repository: Any = None
    env: dict[str, str] = field(default_factory=dict)
    """What else a command needs to find it."""

    def expire_leases(self):
        """Let the time of every lease pass."""
        if self.repository:
            self.repository.skew += 3600
        elif self.path:
            with sqlite3.connect(self.path) as db:
                db.execute("update leases set expires_at = '2020-01-01T00:00:00+00:00'")
        else:
            self.execute("update public.deployment_leases set expires_at = '2020-01-01'")

    def tamper(self, sqlite, postgres):
        """Change what is kept, as somebody with all rights on it would."""
        if self.repository:
            tamper_with_branch(self.repository, sqlite)
        elif self.path:
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


def github_kind(github, folder):
    clock = HandClock()
    door = GitHub(github.token, github.repository, github.url, clock, seconds=5)
    # So low that most events of most tests have moved on into segments.
    limits = Limits(long=300, too_long=600, segment=2000)
    ledger = GitHubLedger(door, SqliteLedger(folder / "mirror.db", clock), clock, limits)
    env = {"GITHUB_REPOSITORY": github.repository, "GITHUB_API_URL": github.url}
    return Kind("github", ledger, clock, config="github", secret=github.token, repository=github.state, env=env)


FIELDS = ("position", "rollout", "seq", "fence", "at", "kind", "service", "environment", "data", "hash")


def tamper_with_branch(state, statement):
    """Edit the documents on the branch, by a statement on their events as a table."""
    text = lambda path: state.blobs[state.trees[BRANCH][path]].decode()  # noqa: E731
    head = Head.load(text("head.json"))
    segments = {path: load_links(text(path)) for path in state.trees[BRANCH] if path.startswith("events/")}
    documents = {"head.json": head.tail, **segments}
    with sqlite3.connect(":memory:") as db:
        db.execute(f"create table events (path, {', '.join(FIELDS)})")
        for path, links in documents.items():
            rows = [(path, *(getattr(link, field) for field in FIELDS)) for link in links]
            db.executemany(f"insert into events values (?, {', '.join('?' * len(FIELDS))})", rows)  # noqa: S608
        db.execute(statement)
        for path in documents:
            found = db.execute(f"select {', '.join(FIELDS)} from events where path = ? order by position", [path])  # noqa: S608
            links = [Link(*row) for row in found]
            changed = replace(head, tail=tuple(links)).dump() if path == "head.json" else dump_links(links)
            told = {"message": "x", "content": base64.b64encode(changed.encode()).decode()}
            contents.write(state, {}, {**told, "branch": BRANCH, "sha": state.trees[BRANCH][path]}, path)
