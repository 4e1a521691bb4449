"""Ask one HTTP question, strictly: a new connection, no retry, no redirect, no cookie of its own, bounded."""

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

from lockgate.adapters import tracing
from lockgate.adapters.connection import Connection, Names, authorities, connect, trusting
from lockgate.core.answers import Answer
from lockgate.core.inflate import inflated
from lockgate.errors import ConfigInvalidError

BODY_LIMIT = 64 * 1024
"""A hostile or broken server may send for ever; what counts is said in the first bytes."""
_HEAD_LIMIT = 64 * 1024
_MOST_INTERIM = 20
_AS_GIVEN = "/?&=%:@!$'()*+,;~[]|"
"""What is sent as it stands in an address; everything else that is no letter or digit is escaped."""


def trust(ca: Path | None) -> ssl.SSLContext:
    """Give what is trusted: the system's authorities, and those in the file `ca`. Raise ConfigInvalidError."""
    if ca is None:
        return authorities()
    context = trusting()
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

    errors: tuple[type[Exception], ...]
    """What a connection may end with; all of it is an answer of a kind."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._names = Names()
        self.headers = {"User-Agent": "lockgate-probe", **tracing.headers()}
        """Sent with every question."""

    async def __aenter__(self) -> Self:
        import h11  # noqa: PLC0415 - only probing commands should pay

        self.errors = (h11.ProtocolError, OSError, ValueError)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._names.close()
        await asyncio.sleep(0)  # what was closed goes now

    async def get(self, url: str, timeout: float, cookie: str = "") -> Answer:
        """GET `url`; whatever goes wrong is in the answer."""
        return await self._ask("GET", url, timeout, _cookie(cookie))

    async def post(self, url: str, body: bytes, timeout: float, cookie: str = "") -> Answer:
        """POST text to `url`; whatever goes wrong is in the answer."""
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        return await self._ask("POST", url, timeout, headers | _cookie(cookie), body)

    @asynccontextmanager
    async def connection(self, url: SplitResult) -> AsyncIterator[Connection]:
        """Open a connection of its own: nothing is hidden by reuse, and nothing can be retried. Raise `errors`."""
        secure = url.scheme == "https"
        if secure and self._tls is None:
            self._tls = trust(None)
        host, port = ascii_host(url), url.port or (443 if secure else 80)
        try:
            opened = await connect(self._names, host, port, self._tls if secure else None)
        except OSError as error:
            raise ConnectionError(f"no connection to {host}:{port}: {_reason(error)}") from error
        try:
            yield opened
        except BaseException:
            opened.abort()
            raise
        opened.close()

    async def _ask(
        self, method: str, url: str, timeout: float, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        began = time.perf_counter()
        try:
            parts = urlsplit(url)
            async with asyncio.timeout(timeout), self.connection(parts) as connection:
                connected = time.perf_counter()
                more = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", **headers}
                if body:
                    more["Content-Length"] = str(len(body))
                head = [*address(parts), *self.headers.items(), *more.items()]
                status, found, raw = await _exchange(connection, method, target(parts), head, body)
                latency = time.perf_counter() - connected
                text = inflated(raw, found.get("content-encoding", ""), BODY_LIMIT)
                return Answer(latency, status, found, text)
        except TimeoutError:
            return Answer(time.perf_counter() - began, error=f"timed out after {timeout:g} s")
        except self.errors as error:
            return Answer(time.perf_counter() - began, error=str(error) or type(error).__name__)


def ascii_host(url: SplitResult) -> str:
    """Give the host as it goes over the wire; ValueError where it can not."""
    host = url.hostname or ""
    return host if host.isascii() else host.encode("idna").decode()


def target(url: SplitResult) -> str:
    """Give what to ask the host for."""
    return quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=_AS_GIVEN)


def address(url: SplitResult) -> list[tuple[str, str]]:
    """Give the headers that an address asks for: its host, and its user where it names one."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else ascii_host(url)
    found = [("Host", f"{host}:{url.port}" if url.port else host)]
    if url.username is not None:
        user = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
        found.append(("Authorization", f"Basic {base64.b64encode(user).decode()}"))
    return found


def _cookie(cookie: str) -> dict[str, str]:
    return {"Cookie": cookie} if cookie else {}


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return error.strerror or str(error) or type(error).__name__


async def _exchange(
    connection: Connection, method: str, wanted: str, headers: list[tuple[str, str]], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Ask, and give status, headers and the beginning of the body; raise h11.ProtocolError, OSError."""
    import h11  # noqa: PLC0415 - see Prober

    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)
    question = h11.Request(
        method=method, target=wanted, headers=[(name.encode(), value.encode()) for name, value in headers]
    )
    parts = [http.send(question), http.send(h11.Data(data=body)) if body else b"", http.send(h11.EndOfMessage())]
    await connection.write(b"".join(filter(None, parts)))
    status, found, raw, interim = 0, dict[str, str](), bytearray(), 0
    while len(raw) < BODY_LIMIT:
        event = http.next_event()
        if event is h11.NEED_DATA:
            data = await connection.read()
            if not data and not status:
                raise ConnectionError("the connection was closed before an answer")
            http.receive_data(data)
        elif isinstance(event, h11.InformationalResponse):
            if (interim := interim + 1) > _MOST_INTERIM:
                raise ConnectionError(f"more than {_MOST_INTERIM} interim answers, and no final one")
        elif isinstance(event, h11.Response):
            status = event.status_code
            found = {_text(name): _text(value) for name, value in event.headers}
        elif isinstance(event, h11.Data):
            raw += event.data
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    return status, found, bytes(raw[:BODY_LIMIT])


def _text(data: bytes) -> str:
    return bytes(data).decode("utf-8", "surrogateescape")
