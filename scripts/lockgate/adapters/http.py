"""Ask one HTTP question, strictly: a new connection, no retry, no redirect, no cookie, bounded in time and size."""

import asyncio
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lockgate.core.answers import Answer

if TYPE_CHECKING:
    import aiohttp

BODY_LIMIT = 64 * 1024
"""A hostile or broken server may send for ever; what counts is said in the first bytes."""


class Prober:
    """Asks questions on the running event loop. Use as an async context manager."""

    _session: "aiohttp.ClientSession"

    async def __aenter__(self) -> Self:
        import aiohttp  # noqa: PLC0415 - a tenth of a second that only probing commands should pay

        self._errors = (aiohttp.ClientError, OSError, ValueError)
        self._session = aiohttp.ClientSession(
            # A connection of its own for each question: nothing is hidden by reuse, and nothing can be retried.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "lockgate-probe"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, url: str, timeout: float) -> Answer:
        """GET `url`; whatever goes wrong is in the answer."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout), self._session.get(url, allow_redirects=False) as response:
                body = await self._read(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(time.perf_counter() - started, response.status, headers, body)
        except TimeoutError:
            return Answer(time.perf_counter() - started, error=f"timed out after {timeout:g} s")
        except self._errors as error:
            return Answer(time.perf_counter() - started, error=str(error) or type(error).__name__)

    async def _read(self, response: "aiohttp.ClientResponse") -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) >= BODY_LIMIT:
                break
        return bytes(body[:BODY_LIMIT])
