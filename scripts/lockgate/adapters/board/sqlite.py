"""The board's view of a ledger in a SQLite file. Reads only: the file is opened so that it cannot be changed."""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lockgate.adapters.board import sqlite_rows as read
from lockgate.adapters.watch_notes import FOLDER
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.rows import NOTHING, OPEN, FeedItem, Head, Serving, Slice
from lockgate.core.board.viewer import Viewer
from lockgate.core.board.watching import WatchNote, file_name
from lockgate.core.budgets import Measured, Promises, in_rollout
from lockgate.core.budgets import count as count_budgets
from lockgate.core.ledger import Deployment, LedgerEvent
from lockgate.core.metrics import Counted, Ended, Question, count
from lockgate.errors import LedgerUnavailableError

BUSY_SECONDS = 2.0
_COLUMNS = "id, platform, status, environment, service, commit_hash, version, deployed_at, deployed_by, metadata"
_CONDITIONS = {
    "service": "service = :service",
    "environment": "environment = :environment",
    "status": "status = :status",
    "by": "deployed_by = :by",
    "commit": "commit_hash >= :commit and commit_hash < :commit || 'g'",
    "text": "instr(lower(version || ' ' || commit_hash || ' ' || id || ' ' || deployed_by || ' ' "
    "|| ifnull(json_extract(metadata, '$.message'), '')), lower(:text)) > 0",
    "begins": "deployed_at >= :begins",
    "ends": "deployed_at < :ends",
}
_SERVING = """
with recursive place(newest) as (
  select * from (select rowid from rollouts where standing is not null
    order by service desc, environment desc, fence desc, deployed_at desc, id desc limit 1)
  union all
  select coalesce(
    (select rowid from rollouts where standing is not null and service = here.service
      and environment < here.environment order by environment desc, fence desc, deployed_at desc, id desc limit 1),
    (select rowid from rollouts where standing is not null and service < here.service
      order by service desc, environment desc, fence desc, deployed_at desc, id desc limit 1))
  from place join rollouts here on here.rowid = place.newest)
select newest.service, newest.environment, newest.id, newest.status, newest.version, newest.deployed_at,
  newest.deployed_by, newest.standing, case when newest.kind = 'deploy' and newest.status = 'deployed'
    then json_extract(newest.metadata, '$.found') else (select json_extract(brought.metadata, '$.found')
      from rollouts brought where brought.service = newest.service and brought.environment = newest.environment
      and brought.digest = json_extract(newest.standing, '$.release.digest')
      and json_extract(brought.metadata, '$.found') is not null order by brought.deployed_at desc limit 1) end as found
from place join rollouts newest on newest.rowid = place.newest"""
"""From the newest of one place to the newest of the place before, by an index: the rest of the history is not read."""


@dataclass(slots=True)
class _Asked:
    """The connection of one thread. SQLite crashes the process where one is closed while another thread asks on it."""

    db: sqlite3.Connection
    lock: threading.Lock = field(default_factory=threading.Lock)


class SqliteBoard:
    """A `BoardStore` over the embedded ledger. A file that is not there yet is an empty ledger."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[_Asked] = []

    def serving(self, viewer: Viewer) -> Sequence[Serving]:
        """Give what serves in every place, by service and environment."""
        rows = sorted(self._rows(_SERVING), key=lambda row: (row["service"], row["environment"]))
        return [read.serving(row) for row in rows if viewer.sees(row["service"])]

    def open(self, viewer: Viewer) -> Sequence[Deployment]:
        """Give every rollout that has no ending, the newest first."""
        query = (
            f"select {_COLUMNS} from rollouts where status = 'in_progress' "  # noqa: S608 - constants
            f"order by deployed_at desc, id desc limit {OPEN}"
        )
        return [read.deployment(row) for row in self._rows(query) if viewer.sees(row["service"])]

    def history(self, viewer: Viewer, wanted: Filter, page: Page) -> Slice:
        """Give one page of the rollouts that a filter lets through."""
        values = {**wanted.to_query(), "begins": wanted.begins, "ends": wanted.ends}
        where = [text for name, text in _CONDITIONS.items() if values.get(name)]
        told: dict[str, Any] = {name: value for name, value in values.items() if value and name in _CONDITIONS}
        if page.at:
            where.append(f"(deployed_at, id) {'>' if page.back else '<'} (:at, :id)")
            told |= {"at": page.at, "id": page.id}
        if viewer.services is not None:
            where.append("service in (select value from json_each(:services))")
            told["services"] = json.dumps(sorted(viewer.services))
        order = "asc" if page.back else "desc"
        query = (
            f"select {_COLUMNS} from rollouts where {' and '.join(where) or 'true'} "  # noqa: S608 - constants
            f"order by deployed_at {order}, id {order} limit {page.limit + 1}"
        )
        return Slice.of([read.deployment(row) for row in self._rows(query, told)], page)

    def deployment(self, viewer: Viewer, rollout: str) -> Deployment | None:
        """Give one rollout."""
        rows = self._rows(f"select {_COLUMNS} from rollouts where id = :id", {"id": rollout})  # noqa: S608
        return next((read.deployment(row) for row in rows if viewer.sees(row["service"])), None)

    def journal(self, viewer: Viewer, rollout: str) -> Sequence[LedgerEvent]:
        """Give the events of one rollout, in order."""
        rows = self._rows("select * from journal where rollout = :id order by seq", {"id": rollout})
        return [read.event(row) for row in rows if viewer.sees(row["service"])]

    def watching(self, viewer: Viewer, deployment: Deployment) -> WatchNote | None:
        """Give what the watch of a rollout that goes on has seen so far: a note beside the ledger."""
        if not viewer.sees(deployment.service):
            return None
        path = self._path.parent / FOLDER / file_name(deployment.service, deployment.environment)
        try:
            note = WatchNote.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return note if note.rollout == deployment.id else None

    def busy(self, services: Sequence[str], since: datetime) -> Mapping[str, int]:
        """Give how many rollouts each of these services had since then."""
        query = "select count(*) from rollouts where service = :service and deployed_at >= :since"
        found = {one: self._rows(query, {"service": one, "since": read.moment(since)}) for one in services}
        return {one: int(rows[0][0]) if rows else 0 for one, rows in found.items()}

    def metrics(self, viewer: Viewer, question: Question, services: Sequence[str] = ()) -> Sequence[Counted]:
        """Count and measure what ended in a time."""
        meant, told = read.meant(question, services)
        rows = self._rows(
            "select id, service, environment, kind, status, commit_hash, deployed_at, live_at, committed_at, merged_at "  # noqa: S608
            f"from rollouts where status <> 'in_progress'{meant}",
            told,
        )
        ended = [
            Ended(*tuple(row)[:6], *(datetime.fromisoformat(at) if at else None for at in tuple(row)[6:]))
            for row in rows
            if viewer.sees(row["service"])
        ]
        return count(question, ended)

    def budgets(self, viewer: Viewer, question: Question, services: Sequence[str] = ()) -> Sequence[Promises]:
        """Count how often each budget was kept by the changes that ended in a time."""
        meant, told = read.meant(question, services)
        ends = {"since": read.moment(question.since), "until": read.moment(question.until)}
        rows = self._rows(
            "select id, service, environment, version, deployed_at, json_extract(metadata, '$.budgets') as budgets "  # noqa: S608
            "from rollouts where status <> 'in_progress' and kind = 'deploy' "
            f"and deployed_at >= :since and deployed_at < :until{meant}",
            told | ends,
        )
        return count_budgets(
            Measured(name, service, environment, version, at, in_rollout(json.loads(budgets or "null")))
            for name, service, environment, version, at, budgets in map(tuple, rows)
            if viewer.sees(service)
        )

    def head(self) -> Head:
        """Give the end of the ledger."""
        rows = self._rows("select position, hash from chain")
        return Head(*rows[0]) if rows else Head()

    def at(self, position: int) -> Head | None:
        """Give a position with its hash."""
        if position == 0:
            return Head(0, NOTHING)
        query = (
            "select position, hash from events where position = :at "
            "union select position, hash from anchors where position = :at"
        )
        rows = self._rows(query, {"at": position})
        return Head(*rows[0]) if rows else None

    def after(self, position: int, limit: int) -> Sequence[FeedItem]:
        """Give events from a position on, in the order of their commits."""
        query = (
            "select position, hash, rollout, seq, at, kind, service, environment, "
            "json_remove(data, '$.dossier', '$.scan', '$.commits') as data "
            "from events where position > :position order by position limit :limit"
        )
        rows = self._rows(query, {"position": position, "limit": limit})
        return [FeedItem(Head(row["position"], row["hash"]), read.event(row)) for row in rows]

    def version(self) -> int:
        """Give a number that differs from the last one after somebody else's commit; for one thread."""
        rows = self._rows("pragma data_version")
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Let every connection go; one that is being asked is told to give up, and waited for."""
        while self._open:
            one = self._open.pop()
            one.db.interrupt()
            with one.lock:
                one.db.close()
        self._local = threading.local()

    def _rows(self, query: str, told: Mapping[str, Any] | None = None) -> list[sqlite3.Row]:
        """Ask on this thread's connection; nothing where there is no ledger yet."""
        try:
            one: _Asked | None = getattr(self._local, "asked", None) or self._connect()
            if one is None:
                return []
            with one.lock:
                return one.db.execute(query, told or {}).fetchall()
        except sqlite3.Error as error:
            raise LedgerUnavailableError(f"The ledger {self._path} could not be read: {error}.") from error

    def _connect(self) -> "_Asked | None":
        if not self._path.is_file():
            return None
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
        )
        db.row_factory = sqlite3.Row
        with closing(db.execute("select 1 from sqlite_master where name = 'rollouts'")) as found:
            if not found.fetchone():
                db.close()
                return None
        self._local.asked = one = _Asked(db)
        self._open.append(one)
        return one
