"""Ask one HTTP question, strictly: a new connection, no retry, no redirect, no cookie, bounded in time and size."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lockgate.adapters import tracing
from lockgate.core.answers import Answer
from lockgate.core.inflate import inflated
from lockgate.errors import ConfigInvalidError

if TYPE_CHECKING:
    import aiohttp

BODY_LIMIT = 64 * 1024
"""A hostile or broken server may send for ever; what counts is said in the first bytes."""


def trust(ca: Path | None) -> ssl.SSLContext:
    """Give what is trusted: the system's authorities, and those in the file `ca`. Raise ConfigInvalidError."""
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigInvalidError(
                f"gate.ca: no certificates could be read from {ca}: {error.strerror or error}.",
                fix="It is a file of certificates in PEM form, relative to lockgate.yml.",
            ) from error
    return context


class Prober:
    """Asks questions on the running event loop. Use as an async context manager."""

    session: "aiohttp.ClientSession"
    errors: tuple[type[Exception], ...]
    """What a connection may end with; all of it is an answer of a kind."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls

    async def __aenter__(self) -> Self:
        import aiohttp  # noqa: PLC0415 - a tenth of a second that only probing commands should pay

        async def stay(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            """Do not follow a redirect instead of opening a WebSocket."""
            response = await handler(request)
            if "Upgrade" in request.headers and response.status != 101:  # noqa: PLR2004 - switching protocols
                response.close()
                raise aiohttp.ClientError(f"status {response.status} instead of 101")
            return response

        self.errors = (aiohttp.ClientError, OSError, ValueError)
        self.session = aiohttp.ClientSession(
            # A connection of its own for each question: nothing is hidden by reuse, and nothing can be retried.
            connector=aiohttp.TCPConnector(limit=0, force_close=True, ssl=self.tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "lockgate-probe", "Accept-Encoding": "gzip, deflate", **tracing.headers()},
            # Unpacked here, no further than wanted: a small body can hold gigabytes.
            auto_decompress=False,
            middlewares=(stay,),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def get(self, url: str, timeout: float) -> Answer:
        """GET `url`; whatever goes wrong is in the answer."""
        return await self._ask("GET", url, timeout)

    async def post(self, url: str, body: bytes, timeout: float) -> Answer:
        """POST text to `url`; whatever goes wrong is in the answer."""
        return await self._ask("POST", url, timeout, body, {"Content-Type": "text/plain;charset=UTF-8"})

    async def _ask(
        self, method: str, url: str, timeout: float, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        started = time.perf_counter()
        try:
            async with (
                asyncio.timeout(timeout),
                self.session.request(method, url, allow_redirects=False, data=body, headers=headers) as response,
            ):
                raw = await _read(response)
                found = {name.lower(): value for name, value in response.headers.items()}
                latency = time.perf_counter() - started
                text = inflated(raw, found.get("content-encoding", ""), BODY_LIMIT)
                return Answer(latency, response.status, found, text)
        except TimeoutError:
            return Answer(time.perf_counter() - started, error=f"timed out after {timeout:g} s")
        except self.errors as error:
            return Answer(time.perf_counter() - started, error=str(error) or type(error).__name__)


async def _read(response: "aiohttp.ClientResponse") -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= BODY_LIMIT:
            break
    return bytes(body[:BODY_LIMIT])
