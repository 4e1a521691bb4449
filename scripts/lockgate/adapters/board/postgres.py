"""The board's view of a ledger in PostgreSQL: tables and functions of supabase/migrations, through a pool."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lockgate.adapters.board import postgres_questions as questions
from lockgate.adapters.board.postgres_rows import deployment as _deployment
from lockgate.adapters.board.postgres_rows import event as _event
from lockgate.adapters.board.postgres_rows import serving as _serving
from lockgate.adapters.board.postgres_rows import time
from lockgate.adapters.ledger import dsn as address
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.rows import NOTHING, OPEN, FeedItem, Head, Serving, Slice
from lockgate.core.board.viewer import Viewer
from lockgate.core.board.watching import WatchNote
from lockgate.core.budgets import Promises
from lockgate.core.ledger import Deployment, LedgerEvent
from lockgate.core.metrics import Counted, Question
from lockgate.errors import LedgerUnavailableError, StateError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

SECONDS = 2.0
"""No page waits longer for the database: one that is slower is shown as away."""
CONNECTIONS = 8
_GRACE = 0.5
"""In which the database may say so itself."""


class PostgresBoard:
    """A `BoardStore` over any PostgreSQL that the migrations were applied to."""

    def __init__(self, dsn: str, seconds: float = SECONDS, connections: int = CONNECTIONS) -> None:
        self.dsn = address.completed(dsn, seconds, role="service_role")
        self._seconds = seconds
        self._connections = connections
        self._pool: ConnectionPool[Connection[Any]] | None = None

    def serving(self, viewer: Viewer) -> Sequence[Serving]:
        """Give what serves in every place, by service and environment."""
        return [_serving(row) for row in self._rows(questions.SERVING, viewer=viewer) if viewer.sees(row[0])]

    def open(self, viewer: Viewer) -> Sequence[Deployment]:
        """Give every rollout that has no ending, the newest first."""
        rows = self._rows(
            f"select {questions.COLUMNS} from public.deployments "  # noqa: S608 - constants
            f"where status = 'in_progress' and started_at is not null order by deployed_at desc, id desc limit {OPEN}",
            viewer=viewer,
        )
        return [_deployment(row) for row in rows if viewer.sees(row[4])]

    def history(self, viewer: Viewer, wanted: Filter, page: Page) -> Slice:
        """Give one page of the rollouts that a filter lets through.

        Which they are is asked with the board's own rights, of the services that the viewer sees, and what is in them
        as the viewer: behind a policy no index helps a search for words, and the planner guesses wrong for all else.
        """
        found: list[Any] = []
        for latest in (True, False) if wanted.text else (False,):
            asked = questions.history(viewer, wanted, page, latest=latest)
            found = [one for (one,) in self._rows(*asked)]
            if len(found) > page.limit:
                break
        told = self._rows(questions.NAMED, {"ids": found}, viewer) if found else []
        seen = {row[0]: _deployment(row) for row in told}
        shown = Slice.of(found, page)
        return Slice([seen[one] for one in shown.rows if one in seen], shown.newer, shown.older)

    def deployment(self, viewer: Viewer, rollout: str) -> Deployment | None:
        """Give one rollout."""
        query = f"select {questions.COLUMNS} from public.deployments where id = %(id)s"  # noqa: S608 - constants
        rows = self._rows(query, {"id": rollout}, viewer)
        return next((_deployment(row) for row in rows if viewer.sees(row[4])), None)

    def journal(self, viewer: Viewer, rollout: str) -> Sequence[LedgerEvent]:
        """Give the events of one rollout, in order."""
        rows = self._rows(
            "select e.rollout, e.seq, e.at, e.kind, e.service, e.environment, e.data from public.deployment_events e "
            "where e.rollout = %(id)s and not exists (select from public.deployment_events later "
            "where later.rollout = e.rollout and later.fence > e.fence and later.seq <= e.seq) order by e.seq",
            {"id": rollout},
            viewer,
        )
        return [_event(row) for row in rows if viewer.sees(row[4])]

    def watching(self, viewer: Viewer, deployment: Deployment) -> WatchNote | None:
        """Give what the watch of a rollout that goes on has seen so far."""
        rows = self._rows(
            "select rollout, service, environment, watch, at, report from public.deployment_watches "
            "where service = %(service)s and environment = %(environment)s and rollout = %(rollout)s",
            {"service": deployment.service, "environment": deployment.environment, "rollout": deployment.id},
            viewer,
        )
        found = [row for row in rows if viewer.sees(row[1])]
        if not found:
            return None
        rollout, service, environment, watch, at, report = found[0]
        return WatchNote(rollout, service, environment, watch, time(at), report)

    def busy(self, services: Sequence[str], since: datetime) -> Mapping[str, int]:
        """Give how many rollouts each of these services had since then."""
        return dict(self._rows(questions.BUSY, {"services": list(services), "since": since}))

    def metrics(self, viewer: Viewer, question: Question, services: Sequence[str] = ()) -> Sequence[Counted]:
        """Count and measure what ended in a time. Asked with the board's own rights, and dealt out by service."""
        told = self._rows(questions.METRICS, {**asdict(question), "services": list(services) or [question.service]})
        return [Counted.from_dict(row) for (some,) in told for row in some if viewer.sees(row["service"])]

    def budgets(self, viewer: Viewer, question: Question, services: Sequence[str] = ()) -> Sequence[Promises]:
        """Count how often each budget was kept by the changes that ended in a time; asked as metrics are."""
        told = self._rows(questions.BUDGETS, {**asdict(question), "services": list(services) or [question.service]})
        return [Promises.from_dict(row) for (some,) in told for row in some if viewer.sees(row["service"])]

    def head(self) -> Head:
        """Give the end of the ledger."""
        return Head(*self._rows("select position, hash from public.deployment_chain")[0])

    def at(self, position: int) -> Head | None:
        """Give a position with its hash."""
        if position == 0:
            return Head(0, NOTHING)
        rows = self._rows(
            "select position, hash from public.deployment_events where position = %(at)s "
            "union select position, hash from public.deployment_anchors where position = %(at)s",
            {"at": position},
        )
        return Head(*rows[0]) if rows else None

    def after(self, position: int, limit: int) -> Sequence[FeedItem]:
        """Give events from a position on, in the order of their commits."""
        rows = self._rows(
            "select rollout, seq, at, kind, service, environment, data - '{dossier,scan,commits}'::text[], position, "
            "hash from public.deployment_events where position > %(after)s order by position limit %(limit)s",
            {"after": position, "limit": limit},
        )
        return [FeedItem(Head(row[7], row[8]), _event(row[:7])) for row in rows]

    def close(self) -> None:
        """Let every connection go."""
        if self._pool is not None:
            self._pool.close(timeout=1)
            self._pool = None

    def _rows(self, query: str, told: Mapping[str, Any] | None = None, viewer: Viewer | None = None) -> list[Any]:
        """Ask; a connection that had ended unseen is replaced, and the question asked again."""
        import psycopg  # noqa: PLC0415 - an extra, and slow to import
        from psycopg_pool import PoolTimeout  # noqa: PLC0415

        hung = threading.Event()
        for last in (False, False, True):
            try:
                with self._connection(viewer) as (db, hung):
                    return db.execute(query.encode(), told).fetchall()
            except PoolTimeout as error:
                raise self._why(error) from error
            except psycopg.OperationalError as error:
                # Ended by whoever, it is tried again; where one hangs, the others do, and nobody waits for them.
                if last or hung.is_set() or not (error.sqlstate or "57P").startswith("57P"):
                    raise address.explained(error) from error
                # Whoever ended one has ended the others, too; the last of them may still be at it.
                self._opened().check()
            except psycopg.Error as error:
                raise address.explained(error) from error
        raise AssertionError

    def _why(self, timeout: Exception) -> StateError:
        """Ask why the pool has no connection: it keeps that to itself."""
        import psycopg  # noqa: PLC0415

        try:
            psycopg.connect(self.dsn).close()
        except psycopg.Error as error:
            return address.explained(error)
        return LedgerUnavailableError(f"The ledger's database has too much to do: {timeout}.")

    @contextmanager
    def _connection(self, viewer: Viewer | None) -> Iterator[tuple["Connection[Any]", threading.Event]]:
        """Yield a connection that sees what the viewer's claims let it see, and what is set where it hangs."""
        pool, limit = self._opened(), self._seconds + _GRACE
        with pool.connection(timeout=self._seconds) as db, address.limited(db, limit) as hung:
            if viewer is None or viewer.claims is None:
                yield db, hung
                return
            with db.transaction():
                db.execute(
                    "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
                    [json.dumps(dict(viewer.claims))],
                )
                yield db, hung

    def _opened(self) -> "ConnectionPool[Connection[Any]]":
        from psycopg_pool import ConnectionPool  # noqa: PLC0415

        if self._pool is None:
            settings = {"autocommit": True, "prepare_threshold": None}  # a pooler in between may forget them
            self._pool = ConnectionPool(
                self.dsn, kwargs=settings, min_size=1, max_size=self._connections, timeout=self._seconds,
                max_idle=60, reconnect_timeout=5, open=True, name="board",
            )  # fmt: skip
        return self._pool
