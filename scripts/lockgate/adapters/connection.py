"""One connection for one question: bytes over TCP, plain or with TLS.

asyncio's own TLS holds a quarter of a megabyte for each connection, and a gate before a slow service has many open at
once: here it is what OpenSSL needs.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from lockgate.errors import UsageError

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType

T = TypeVar("T")
_PROTOCOLS = ("http/1.1",)
_CHUNK = 16 * 1024
_FAMILY_SECONDS = 0.25
"""Until the next address is tried beside one that does not answer: RFC 8305, section 5."""
_KNOWN_SECONDS = 10.0


def trusting(file: str = "") -> ssl.SSLContext:
    """Give a new context: the machine's authorities, or those in `file`. Raise UsageError."""
    try:
        context = ssl.create_default_context(cafile=file or None)
    except OSError as error:
        raise UsageError(
            f"No authorities could be read from {file}: {error.strerror or error}.",
            fix="SSL_CERT_FILE, REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names it: a file of certificates in PEM form.",
        ) from error
    context.set_alpn_protocols(_PROTOCOLS)
    return context


def authorities(file: str = "") -> ssl.SSLContext:
    """Give the one context of all who trust the same: each loads some 150 authorities, 0.7 MB in 15 ms.

    What SSL_CERT_FILE names is among the machine's own: OpenSSL sees to that. Raise UsageError.
    """
    return _known("" if file == ssl.get_default_verify_paths().cafile else file)


_known = cache(trusting)


class Names:
    """What names stand for, asked once in ten seconds: a gate that asks often shall not ask the resolver as often."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[float, asyncio.Task[deque[AddrInfoType]]]] = {}

    async def addresses(self, host: str, port: int) -> "list[AddrInfoType]":
        """Give the addresses of a host, another one first each time; raise OSError."""
        loop = asyncio.get_running_loop()
        until, task = self._asked.get(host, (0.0, None))
        if task is None or loop.time() > until or (task.done() and task.exception()):
            task = loop.create_task(_look_up(host))
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # somebody has seen it
            self._asked[host] = loop.time() + _KNOWN_SECONDS, task
        found = await asyncio.shield(task)
        found.rotate(-1)
        return [(*one[:4], (one[4][0], port, *one[4][2:])) for one in found]

    def close(self) -> None:
        """Ask no more."""
        for _, task in self._asked.values():
            task.cancel()


async def _look_up(host: str) -> "deque[AddrInfoType]":
    return deque(await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM))


class Connection:
    """Bytes to and from one server. Open it with `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """Give what came, or b"" at the end; raise OSError."""
        return await self._reader.read(_CHUNK)

    async def write(self, data: bytes) -> None:
        """Send; raise OSError."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """Say farewell without waiting for one."""
        self._writer.close()

    def abort(self) -> None:
        """Cut it."""
        self._writer.transport.abort()


class _TlsConnection(Connection):
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext, host: str
    ) -> None:
        super().__init__(reader, writer)
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._received, self._to_send, server_hostname=host)

    async def shake_hands(self) -> None:
        """Raise OSError, of which ssl.SSLError is one."""
        await self._until_done(self._tls.do_handshake)

    async def read(self) -> bytes:
        """Give what came, or b"" at the end, be it announced or not; raise OSError."""
        try:
            return await self._until_done(lambda: self._tls.read(_CHUNK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def write(self, data: bytes) -> None:
        """Send; raise OSError."""
        await self._until_done(lambda: self._tls.write(data))
        await self._writer.drain()

    def close(self) -> None:
        """Say farewell without waiting for one."""
        with suppress(ssl.SSLError):  # it wants to read the other side's
            self._tls.unwrap()
        self._writer.write(self._to_send.read())
        super().close()

    async def _until_done(self, act: Callable[[], T]) -> T:
        """Do it, feeding it what it waits for. What it has to say goes out, an alert about the other side too."""
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                await super().write(self._to_send.read())
                if data := await super().read():
                    self._received.write(data)
                else:
                    self._received.write_eof()
            finally:
                self._writer.write(self._to_send.read())


async def connect(names: Names, host: str, port: int, tls: ssl.SSLContext | None) -> Connection:
    """Open a connection, with TLS where a context is given; raise OSError."""
    from aiohappyeyeballs import start_connection  # noqa: PLC0415 - only probing commands should pay

    found = await names.addresses(host, port)
    connected = await start_connection(found, happy_eyeballs_delay=_FAMILY_SECONDS)
    reader, writer = await asyncio.open_connection(sock=connected)
    if tls is None:
        return Connection(reader, writer)
    try:
        secured = _TlsConnection(reader, writer, tls, host)
        await secured.shake_hands()
    except BaseException:
        writer.transport.abort()
        raise
    return secured
