"""The ledger's functions in any PostgreSQL, by connection string."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.adapters.ledger.called import as_json
from lockgate.core.ledger_rules import LOOPBACK
from lockgate.errors import LedgerRefusedError, LedgerUnavailableError, StateError

if TYPE_CHECKING:
    import psycopg

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_PRIVATE = frozenset({"require", "verify-ca", "verify-full"})
_OUT_OF_ORDER = ("08", "53", "57", "40", "25", "58", "XX")
"""Classes of SQLSTATE that pass by themselves: connection, resources, intervention, conflict, read-only, system."""


class PostgresCall:
    """Calls a function over one connection, which is made again when it was lost."""

    def __init__(self, dsn: str, timeout: float) -> None:
        self._dsn = _safe(dsn, timeout)
        self._one_at_a_time = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def __call__(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """Give what the function returns; raise LedgerUnavailableError, LedgerRefusedError."""
        from psycopg import sql  # noqa: PLC0415 - an extra, and slow to import

        names = [sql.SQL("{} => %s").format(sql.Identifier(name)) for name in arguments]
        query = sql.SQL("select to_jsonb({}({}))").format(sql.Identifier("public", function), sql.SQL(", ").join(names))
        values = [as_json(value) if isinstance(value, dict | list) else value for value in arguments.values()]
        rows = self._run(query, values)
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

    def _run(self, query: Any, values: list[Any] | None) -> list[Any]:
        import psycopg  # noqa: PLC0415

        with self._one_at_a_time:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._dsn, autocommit=True)
                with self._connection.transaction():
                    cursor = self._connection.execute(query, values, prepare=False)
                    return cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                self._drop()
                raise _explain(error) from error

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def _safe(dsn: str, timeout: float) -> str:
    """Complete a connection string: TLS except on this machine, no endless wait. Raise LedgerRefusedError."""
    try:
        from psycopg import ProgrammingError, conninfo  # noqa: PLC0415
    except ImportError as error:
        raise LedgerRefusedError(
            "ledger.kind is postgres, and psycopg is not installed.", fix="Install lockgate with the extra `postgres`."
        ) from error
    try:
        given = {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items()}
    except ProgrammingError as error:
        # Its own words would hold the string, with the password.
        raise LedgerRefusedError(
            "The ledger's connection string cannot be read.", fix="Expected postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from error.with_traceback(None)
    host = given.get("host", given.get("hostaddr", ""))
    here = all(one in LOOPBACK or one.startswith("/") or not one for one in host.split(","))
    if not here and given.setdefault("sslmode", "require") not in _PRIVATE:
        raise LedgerRefusedError(
            f"The connection string allows {host} to be reached without TLS (sslmode={given['sslmode']}).",
            fix="Leave sslmode out, or set it to require or verify-full.",
        )
    limit = max(1, round(timeout))
    defaults = {"connect_timeout": str(limit), "application_name": "lockgate", "tcp_user_timeout": str(limit * 1000)}
    given["options"] = f"{given.get('options', '')} -c statement_timeout={round(timeout * 1000)}".strip()
    return conninfo.make_conninfo("", **{**defaults, **given})


def _explain(error: "psycopg.Error") -> StateError:
    state = error.sqlstate
    text = (error.diag.message_primary or str(error)).strip().replace("\n", " ")
    if state is None or state.startswith(_OUT_OF_ORDER):
        return LedgerUnavailableError(f"The ledger's database did not answer: {text}.")
    return LedgerRefusedError(
        f"The ledger's database refused: {text}.",
        why="The user has no right to call Lockgate's functions, or the migrations are not applied.",
        fix="Run `lockgate ledger migrate` as the owner, and grant service_role to the user that deploys.",
    )
