"""The ledger's functions in any PostgreSQL, by connection string."""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.adapters.ledger import dsn as address
from lockgate.core.ledger import as_json

if TYPE_CHECKING:
    import psycopg

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_GRACE = 0.5
"""Seconds after its own limit in which the database may say so itself."""
_ONCE = frozenset({"lockgate_acquire"})
"""Done again after its answer was lost, it would find its own lease and take it for somebody else's."""


class _Gone(Exception):  # noqa: N818 - what happened to the connection; nobody outside sees it
    def __init__(self, error: "psycopg.OperationalError") -> None:
        super().__init__()
        self.error = error


class PostgresCall:
    """Calls a function over one connection, which is made again when it was lost."""

    def __init__(self, dsn: str, timeout: float) -> None:
        self._dsn = address.completed(dsn, timeout)
        self._timeout = timeout
        self._one_at_a_time = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def __call__(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """Give what the function returns; raise LedgerUnavailableError, LedgerRefusedError."""
        from psycopg import sql  # noqa: PLC0415 - an extra, and slow to import

        names = [sql.SQL("{} => %s").format(sql.Identifier(name)) for name in arguments]
        query = sql.SQL("select to_jsonb({}({}))").format(sql.Identifier("public", function), sql.SQL(", ").join(names))
        values = [_value(value) for value in arguments.values()]
        rows = self._run(query, values, twice=function not in _ONCE)
        return rows[0][0]

    def migrate(self) -> list[str]:
        """Apply the migrations that are not applied yet, each whole or not at all; give their names."""
        from psycopg import sql  # noqa: PLC0415

        # Where Supabase's own command line tool keeps the same list.
        self._run(sql.SQL("create schema if not exists supabase_migrations"), [])
        self._run(
            sql.SQL(
                "create table if not exists supabase_migrations.schema_migrations "
                "(version text primary key, statements text[], name text)"
            ),
            [],
        )
        known = {row[0] for row in self._run(sql.SQL("select version from supabase_migrations.schema_migrations"), [])}
        applied = []
        for path in sorted(MIGRATIONS.glob("*.sql")):
            version, _, name = path.stem.partition("_")
            if version not in known:
                text = path.read_text(encoding="utf-8")
                record = sql.SQL("insert into supabase_migrations.schema_migrations (version, name) values ({}, {})")
                values = (sql.Literal(version), sql.Literal(name))
                self._run(sql.SQL("{};\n{}").format(sql.SQL(text), record.format(*values)), None)
                applied.append(path.name)
        return applied

    def close(self) -> None:
        """Let the connection go."""
        with self._one_at_a_time:
            self._drop()

    def _run(self, query: Any, values: list[Any] | None, *, twice: bool = True) -> list[Any]:
        """Run one statement, or a script without values, as one transaction.

        A connection that stood idle may have been closed meanwhile, which is found out only by using it. Then a new one
        is made; `twice` says that the statement may be done again where the answer to it, and not itself, was lost.
        """
        import psycopg  # noqa: PLC0415

        with self._one_at_a_time:
            try:
                if self._connection is not None and not self._connection.closed and twice:
                    with suppress(_Gone):
                        return self._ask(self._connection, query, values)
                self._drop()
                self._connection = psycopg.connect(self._dsn, autocommit=True)
                return self._ask(self._connection, query, values)
            except _Gone as gone:
                self._drop()
                raise address.explained(gone.error) from gone.error
            except psycopg.Error as error:
                self._drop()
                raise address.explained(error) from error

    def _ask(self, connection: "psycopg.Connection[Any]", query: Any, values: list[Any] | None) -> list[Any]:
        """Raise _Gone where the connection ended at once, psycopg.Error for everything else."""
        import psycopg  # noqa: PLC0415

        with address.limited(connection, self._timeout + _GRACE) as hung:
            try:
                cursor = connection.execute(query, values, prepare=False)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError as error:
                if connection.broken and not hung.is_set():
                    raise _Gone(error) from error
                raise

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return json.loads(as_json(value))
    return as_json(value) if isinstance(value, dict | list) else value
