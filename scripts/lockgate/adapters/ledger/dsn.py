"""How a PostgreSQL is reached, and what its errors mean: for everything that speaks to the ledger's database."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lockgate.core.ledger_rules import LOOPBACK
from lockgate.errors import LedgerRefusedError, LedgerSlowError, LedgerUnavailableError, StateError
from lockgate.errors.extras import set_up

if TYPE_CHECKING:
    import psycopg

_PRIVATE = frozenset({"require", "verify-ca", "verify-full"})
_OUT_OF_ORDER = ("08", "53", "57", "40", "25", "58", "XX")
"""Classes of SQLSTATE that pass by themselves: connection, resources, intervention, conflict, read-only, system."""
_TOO_LONG = "57014"
"""The statement was cancelled, by its own limit."""


def completed(dsn: str, timeout: float, role: str = "") -> str:
    """Complete a connection string: TLS except on this machine, no endless wait. Raise LedgerRefusedError.

    With a `role`, everything is done as that one: what it may, and no more.
    """
    try:
        from psycopg import ProgrammingError, conninfo  # noqa: PLC0415
    except ImportError as error:
        raise LedgerRefusedError(
            "The ledger is in PostgreSQL, and psycopg is not installed.", fix=set_up("postgres")
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
    options = [given.get("options", ""), f"-c statement_timeout={round(timeout * 1000)}", role and f"-c role={role}"]
    given["options"] = " ".join(filter(None, options))
    return conninfo.make_conninfo("", **{**defaults, **given})


def explained(error: "psycopg.Error") -> StateError:
    """Say what an error of the database means: that it is away, or that it said no."""
    state = error.sqlstate
    text = (error.diag.message_primary or str(error)).strip().replace("\n", " ")
    if state == _TOO_LONG:
        return LedgerSlowError(f"The ledger's database gave up on a question: {text}.", fix="Ask for less at once.")
    if state is None or state.startswith(_OUT_OF_ORDER):
        return LedgerUnavailableError(f"The ledger's database did not answer: {text}.")
    return LedgerRefusedError(
        f"The ledger's database refused: {text}.",
        why="The user has no right to call Lockgate's functions, or the migrations are not applied.",
        fix="Run `lockgate ledger migrate` as the owner, and grant service_role to the user that deploys.",
    )


@contextmanager
def limited(connection: "psycopg.Connection[Any]", seconds: float) -> Iterator[threading.Event]:
    """End a connection that gives no answer: what stands between here and the database may be what hangs."""
    hung = threading.Event()

    def cut() -> None:
        hung.set()
        with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield hung
    finally:
        timer.cancel()
