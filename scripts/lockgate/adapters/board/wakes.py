"""What tells the live feed that the ledger may have grown: SQLite's own counter, or PostgreSQL's LISTEN."""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lockgate.errors import LedgerUnavailableError

if TYPE_CHECKING:
    from psycopg import AsyncConnection

CHANNEL = "lockgate_events"
_LOOK = 0.2
"""Seconds between two looks at SQLite's counter; a look takes microseconds."""
_POLL = 1.0
"""Seconds between two questions where nothing calls."""
_TEST = 2.0
_AGAIN = 10.0
"""Seconds until listening is tried again."""


class SqliteWake:
    """Looks at the counter of a SQLite file, which every commit of somebody else moves."""

    problem = ""

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
        self._last = -1

    async def wait(self, seconds: float) -> None:
        """Return when somebody has written, or after so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = self._version()
            except LedgerUnavailableError:
                found = -1
            if found != self._last:
                self._last = found
                return
            await asyncio.sleep(_LOOK)

    async def close(self) -> None:
        """Hold nothing."""


class PostgresWake:
    """Listens on a connection of its own; where that does not work, and whenever it does not, it lets be asked often.

    A pooler in transaction mode takes LISTEN and never delivers. So each connection is tested first: what it says to
    itself must come back.
    """

    def __init__(self, dsn: str, test_seconds: float = _TEST) -> None:
        self._dsn = dsn
        self._test_seconds = test_seconds
        self._db: AsyncConnection[Any] | None = None
        self._again = 0.0
        self.problem = "not listening yet"

    async def wait(self, seconds: float) -> None:
        """Return when somebody has written, or after so many seconds."""
        import psycopg  # noqa: PLC0415 - an extra, and slow to import

        try:
            if self._db is None and time.monotonic() >= self._again:
                async with asyncio.timeout(self._test_seconds + _TEST):
                    await self._listen()
                return  # what happened before it listened is not announced any more
            if self._db is not None:
                async for _ in self._db.notifies(timeout=seconds, stop_after=1):
                    pass
                return
        except (psycopg.Error, OSError) as error:
            await self._give_up(f"the connection that listens was lost: {_first_line(error)}")
        await asyncio.sleep(min(seconds, _POLL))

    async def close(self) -> None:
        """Let the connection go."""
        if self._db is not None:
            with suppress(Exception):
                await self._db.close()
            self._db = None

    async def _listen(self) -> None:
        import psycopg  # noqa: PLC0415
        from psycopg import sql  # noqa: PLC0415

        db = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        self._db = db
        token = secrets.token_hex(8)
        await db.execute(sql.SQL("listen {}").format(sql.Identifier(CHANNEL)))
        await db.execute("select pg_notify(%s, %s)", [CHANNEL, token])
        end = time.monotonic() + self._test_seconds
        while (left := end - time.monotonic()) > 0:
            async for heard in db.notifies(timeout=left, stop_after=1):
                if heard.payload == token:
                    self.problem = ""
                    return
        await self._give_up("LISTEN does not work over this connection (a pooler in transaction mode?): asking instead")

    async def _give_up(self, problem: str) -> None:
        self.problem = problem
        self._again = time.monotonic() + _AGAIN
        await self.close()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no answer in time").splitlines()[0]
