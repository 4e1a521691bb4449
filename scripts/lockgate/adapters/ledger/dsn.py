"""How a PostgreSQL is reached, and what its errors mean: for everything that speaks to the ledger's database."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
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
_LEAST, _VERIFIED = "require", "verify-full"
_KNOWS_METHODS = 160_000
"""The libpq from which on a client may say how it is asked for its password. Psycopg's own wheel has 18."""
_REFUSES_METHOD = "authentication method requirement"
"""So libpq begins where a server asks in another way than `require_auth` allows."""
_TOO_LONG = "57014"
"""The statement was cancelled, by its own limit."""


def completed(dsn: str, timeout: float, role: str = "") -> str:
    """Complete a connection string: TLS except on this machine, no endless wait. Raise LedgerRefusedError.

    With a `role`, everything is done as that one: what it may, and no more. Unless the string says otherwise, another
    machine is shown by SCRAM that we know the password, and that it does, too: whoever else answers does not get it.
    """
    given = _given(dsn)
    from psycopg import conninfo, pq  # noqa: PLC0415 - there, as it has read the string

    host = _elsewhere(given)
    if host and given.setdefault("sslmode", _LEAST) not in _PRIVATE:
        raise LedgerRefusedError(
            f"The connection string allows {host} to be reached without TLS (sslmode={given['sslmode']}).",
            fix="Leave sslmode out, or set it to require or verify-full.",
        )
    limit = max(1, round(timeout))
    defaults = {"connect_timeout": str(limit), "application_name": "lockgate", "tcp_user_timeout": str(limit * 1000)}
    if host and pq.version() >= _KNOWS_METHODS:
        defaults["require_auth"] = "scram-sha-256"
    options = [given.get("options", ""), f"-c statement_timeout={round(timeout * 1000)}", role and f"-c role={role}"]
    given["options"] = " ".join(filter(None, options))
    return conninfo.make_conninfo("", **{**defaults, **given})


def unverified(dsn: str) -> str:
    """Give the sslmode by which another machine is reached without knowing it for the database, or "".

    Raise LedgerRefusedError.
    """
    given = _given(dsn)
    mode = given.get("sslmode", _LEAST)
    return mode if _elsewhere(given) and mode != _VERIFIED else ""


def _given(dsn: str) -> dict[str, str]:
    try:
        from psycopg import ProgrammingError, conninfo  # noqa: PLC0415
    except ImportError as error:
        raise LedgerRefusedError(
            "The ledger is in PostgreSQL, and psycopg is not installed.", fix=set_up("postgres")
        ) from error
    try:
        return {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items()}
    except ProgrammingError as error:
        # Its own words would hold the string, with the password.
        raise LedgerRefusedError(
            "The ledger's connection string cannot be read.", fix="Expected postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from error.with_traceback(None)


def _elsewhere(given: Mapping[str, str]) -> str:
    """Give the host where it is another machine, or ""."""
    host = given.get("host", given.get("hostaddr", ""))
    return "" if all(one in LOOPBACK or one.startswith("/") or not one for one in host.split(",")) else host


def explained(error: "psycopg.Error") -> StateError:
    """Say what an error of the database means: that it is away, or that it said no."""
    from psycopg import DataError  # noqa: PLC0415 - an extra, and slow to import

    state = error.sqlstate
    text = (error.diag.message_primary or str(error)).strip().replace("\n", " ")
    if state == _TOO_LONG:
        return LedgerSlowError(f"The ledger's database gave up on a question: {text}.", fix="Ask for less at once.")
    if _REFUSES_METHOD in text:
        return LedgerRefusedError(
            f"The ledger's database was not told the password: {text}.",
            why="What answers asks for it in a way by which anybody in its place could read it.",
            fix="Have the database keep it as scram-sha-256. Where it is another method by intent (a cloud's token), "
            "say so in the connection string, such as require_auth=password&sslmode=verify-full&sslrootcert=system.",
        )
    if isinstance(error, DataError):  # a text with U+0000 does not even leave this machine: there is no SQLSTATE
        return LedgerRefusedError(f"The ledger's database does not take what it was told: {text}.")
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
