"""The chain of events in a SQLite file: adding to its end, cutting from its beginning, bringing old files to it."""

import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from lockgate.core.chain import Chain, Link, link_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lockgate.core.metrics import Ended

VERSION = 4
_CHAINED, _KEPT = 2, 3
_TELLING = frozenset({"rollout.started", "rollout.finished", "happened.shifted"})
_FIELDS = "position, rollout, seq, fence, at, kind, service, environment, data, hash"


def add(db: sqlite3.Connection, link: Link) -> bool:
    """Add an event to the end, given without its place there; False where it is there already."""
    same = "select 1 from events where rollout = ? and seq = ? and fence = ?"
    if db.execute(same, (link.rollout, link.seq, link.fence)).fetchone():
        return False
    (last, previous) = db.execute("select position, hash from chain").fetchone()
    fields = (link.rollout, link.seq, link.fence, link.at, link.kind, link.service, link.environment, link.data)
    hashed = link_hash(previous, Link(last + 1, *fields, hash=""))
    db.execute(f"insert into events ({_FIELDS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (last + 1, *fields, hashed))  # noqa: S608
    db.execute("update chain set position = ?, hash = ?", (last + 1, hashed))
    forked = "select 1 from events where rollout = ? and fence <> ?"
    # Whoever takes a rollout over takes back, by any event, what was told after it.
    if link.kind in _TELLING or db.execute(forked, (link.rollout, link.fence)).fetchone():
        db.execute("insert or replace into rollouts select * from told where id = ?", (link.rollout,))
    return True


def ends(db: sqlite3.Connection) -> Chain:
    """Give where the chain begins and ends."""
    last = db.execute("select position, hash from chain").fetchone()
    cut = db.execute("select position, hash from anchors order by position desc limit 1").fetchone()
    return Chain(last[0], last[1], *(tuple(cut) if cut else (0, "0" * 64)))


def links(db: sqlite3.Connection, after: int, limit: int) -> list[Link]:
    """Give some events from a position on."""
    query = f"select {_FIELDS} from events where position > ? order by position limit ?"  # noqa: S608 - a constant
    return [Link(*row) for row in db.execute(query, (after, limit))]


def forget(db: sqlite3.Connection, before: datetime) -> int:
    """Remove the oldest events, up to the first that is younger or whose rollout goes on; how many."""
    kept = db.execute(
        "select position from events where julianday(at) >= julianday(?) "
        "or rollout in (select id from rollouts where status = 'in_progress') order by position limit 1",
        (before.isoformat(),),
    ).fetchone()
    condition, parameters = ("position < ?", tuple(kept)) if kept else ("true", ())
    last = db.execute(
        f"select position, hash from events where {condition} order by position desc limit 1",  # noqa: S608
        parameters,
    ).fetchone()
    if last is None:
        return 0
    count: int = db.execute("select count(*) from events where position <= ?", (last[0],)).fetchone()[0]
    db.execute("insert into anchors values (?, ?, ?)", (*last, count))
    db.execute("delete from events where position <= ?", (last[0],))
    return count


def shrink(path: "Path", now: datetime) -> None:
    """Give the room of what was removed back to the disk, where no rollout goes on that would have to wait for it.

    Where there is no room for the copy that this takes, or somebody else works with the file, the room is used again.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as db:
        held = "select 1 from leases where julianday(expires_at) > julianday(?)"
        if not db.execute(held, (now.isoformat(),)).fetchone():
            db.execute("vacuum")


def ended(db: sqlite3.Connection, service: str, environment: str) -> "Sequence[Ended]":
    """Give every rollout that ended, there or with "" everywhere."""
    from lockgate.core.metrics import Ended  # noqa: PLC0415 - only a report needs it

    where, values = meant(service, environment)
    rows = db.execute(
        "select id, service, environment, kind, status, commit_hash, deployed_at, live_at, committed_at, merged_at "  # noqa: S608
        f"from rollouts where status <> 'in_progress' {where}",
        values,
    )
    return [Ended(*row[:6], *(datetime.fromisoformat(at) if at else None for at in row[6:])) for row in rows]


def meant(service: str, environment: str) -> tuple[str, tuple[str, ...]]:
    """Give what a query must also ask for, and the values: an index helps only with what is named in it."""
    given = {name: value for name, value in (("service", service), ("environment", environment)) if value}
    return "".join(f" and {name} = ?" for name in given), tuple(given.values())


def upgrade(db: sqlite3.Connection, schema: str) -> None:
    """Make the tables; bring a file of an earlier version to this one with every event kept.

    The first had no chain, the second derived what it showed each time that it was asked, the third knew of no budget.
    """
    (version,) = db.execute("pragma user_version").fetchone()
    if version == VERSION:
        return
    old = db.execute("select 1 from sqlite_master where name = 'events'").fetchone()
    if old:
        for statement in (
            "drop view if exists deployments",
            "drop view if exists told",
            *(["drop view if exists rollouts"] if version < _KEPT else []),
            "drop index if exists events_by_place",
        ):
            db.execute(statement)
    first = old and version < _CHAINED
    if first:
        for statement in (
            "drop trigger if exists events_are_never_changed",
            *("drop trigger if exists events_are_never_removed", "alter table events rename to events_1"),
        ):
            db.execute(statement)
    for statement in _statements(schema):
        db.execute(statement)
    if first:
        rows = db.execute("select rollout, seq, at, kind, service, environment, data from events_1 order by rowid")
        for rollout, seq, at, kind, service, environment, data in rows.fetchall():
            add(db, Link(0, rollout, seq, 0, at, kind, service, environment, data, ""))
        db.execute("drop table events_1")
    elif old and version < _KEPT:
        db.execute("insert or replace into rollouts select * from told")
        db.execute("insert or ignore into rollouts select * from kept_rollouts")
        db.execute("drop table kept_rollouts")
    db.execute(f"pragma user_version = {VERSION}")


def _statements(script: str) -> list[str]:
    """Split a script: executescript would commit, and half an upgrade must not stay."""
    found, text = [], ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found
