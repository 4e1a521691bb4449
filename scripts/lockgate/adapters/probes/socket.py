"""An open WebSocket, frame by frame and without compression. Nothing that the server sends is trusted."""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from enum import IntEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lockgate.adapters.connection import Connection
from lockgate.adapters.http import Prober, address, ascii_host, target
from lockgate.core.outcome import SHOWN
from lockgate.core.redaction import printable, shorten

if TYPE_CHECKING:
    from websockets.client import ClientProtocol
    from websockets.frames import Frame

MESSAGE_LIMIT = 64 * 1024
_CLOSING = 0.5
"""Seconds for a farewell; a server that gives none is bad manners, and no fault."""
_LINE_LIMIT = 8 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_SWITCHING = b"101"
_CONTINUATION, _CLOSE = 0, 8
_NORMAL, _DROPPED, _INVALID = 1000, 1006, 1007
"""Codes of RFC 6455, section 7.4.1; the second is a connection that ended without a farewell."""


class Kind(IntEnum):
    """What came: the numbers of RFC 6455, section 5.2."""

    TEXT = 1
    BINARY = 2
    PING = 9
    PONG = 10


_ALONE = frozenset({9, 10})
"""Kinds that come whole, between the parts of others."""


class NotASocketError(Exception):
    """What was opened is no WebSocket, or is one no more; the text says why."""


@asynccontextmanager
async def opened(prober: Prober, url: str, cookie: str = "") -> AsyncIterator["Socket"]:
    """Open a WebSocket, and close it. Raise NotASocketError."""
    from websockets.client import ClientProtocol  # noqa: PLC0415 - only where there are such probes
    from websockets.uri import WebSocketURI  # noqa: PLC0415

    parts = urlsplit(url)
    secure = parts.scheme == "https"
    place = WebSocketURI(secure, ascii_host(parts), parts.port or (443 if secure else 80), target(parts), "")
    async with _connection(prober, url) as connection:
        socket = Socket(connection, ClientProtocol(place, max_size=MESSAGE_LIMIT))
        given = {"Cookie": cookie} if cookie else {}
        await socket.shake_hands(dict(address(parts)[1:]) | prober.headers | given)
        yield socket
        await socket.farewell()
        # Cut, not closed: where something went wrong, nobody waits for a farewell that may never come.
        connection.abort()


@asynccontextmanager
async def _connection(prober: Prober, url: str) -> AsyncIterator[Connection]:
    opening = True
    try:
        async with prober.connection(urlsplit(url)) as connection:
            opening = False
            yield connection
    except (OSError, ValueError) as error:
        if not opening and isinstance(error, ValueError):
            raise
        did = "did not open" if opening else "broke"
        raise NotASocketError(f"{did}: {str(error) or type(error).__name__}") from None


class Socket:
    """One that is being opened, open, or closed. What is sent to one that has gone is lost: `receive` tells why."""

    def __init__(self, connection: Connection, protocol: "ClientProtocol") -> None:
        self._connection, self._protocol = connection, protocol
        self._frames: deque[Frame] = deque()
        self._message, self._kind = bytearray(), Kind.BINARY
        self._ended = False
        self.connected = time.perf_counter()
        """When the connection was open, and the handshake about to begin."""
        self.headers: dict[str, str] = {}
        """Those of the handshake, their names in lower case."""

    async def shake_hands(self, headers: Mapping[str, str]) -> None:
        """Raise NotASocketError, OSError."""
        request = self._protocol.connect()
        request.headers.update(headers)
        self._protocol.send_request(request)
        await self._flush()
        first = b""
        while b"\n" not in first and len(first) < _LINE_LIMIT and (data := await self._connection.read()):
            first += data
        # Looked at before its end: what is no WebSocket may go on for ever.
        if (status := _STATUS.match(first)) and status[1] != _SWITCHING:
            raise NotASocketError(f"did not open: status {status[1].decode()} instead of 101")
        await self._take(first)
        while not self.headers and self._protocol.handshake_exc is None:
            await self._take(await self._read())
        if error := self._protocol.handshake_exc:
            raise NotASocketError(f"did not open: {shorten(printable(str(error)), SHOWN)}")

    async def send(self, text: str) -> None:
        """Send a text."""
        self._protocol.send_text(text.encode())
        await self._flush()

    async def ping(self, data: bytes) -> None:
        """Ask for a pong."""
        self._protocol.send_ping(data)
        await self._flush()

    async def receive(self) -> tuple[Kind, bytes]:
        """Give the next whole message, or a ping, which has been answered, or a pong. A text is valid UTF-8.

        Raises NotASocketError where the socket was closed, by either side; OSError.
        """
        while True:
            while self._frames:
                if message := self._assembled(self._frames.popleft()):
                    return message
            if self._protocol.parser_exc is not None or self._ended:
                raise self._ending()
            await self._take(await self._read())

    async def farewell(self) -> None:
        """Close it, and wait a moment for the other side to do the same."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(_CLOSING):
                self._protocol.send_close(_NORMAL)
                await self._flush()
                while self._protocol.close_rcvd is None and not self._ended:
                    await self._take(await self._read())

    def _assembled(self, frame: "Frame") -> tuple[Kind, bytes] | None:
        if frame.opcode == _CLOSE:
            raise self._ending()
        if frame.opcode in _ALONE:
            return Kind(frame.opcode), bytes(frame.data)
        if frame.opcode != _CONTINUATION:
            self._kind = Kind(frame.opcode)
        self._message += frame.data
        if not frame.fin:
            return None
        message, self._message = bytes(self._message), bytearray()
        if self._kind is Kind.TEXT:
            try:
                message.decode()
            except UnicodeDecodeError:
                self._protocol.fail(_INVALID, "a text that is not UTF-8")
                raise self._ending() from None
        return self._kind, message

    async def _take(self, data: bytes) -> None:
        from websockets.frames import Frame  # noqa: PLC0415 - see `opened`
        from websockets.http11 import Response  # noqa: PLC0415

        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
            self._ended = True
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self.headers = {name.lower(): value for name, value in event.headers.raw_items()}
            elif isinstance(event, Frame):
                self._frames.append(event)
        await self._flush()

    async def _read(self) -> bytes:
        try:
            return await self._connection.read()
        except ConnectionResetError:
            # The same end as one without a reset: which of them it is depends on what the server had not read yet.
            return b""

    async def _flush(self) -> None:
        if data := b"".join(self._protocol.data_to_send()):
            with suppress(OSError):
                await self._connection.write(data)

    def _ending(self) -> NotASocketError:
        close = self._protocol.close_rcvd or self._protocol.close_sent
        told = shorten(printable(close.reason), SHOWN) if close else ""
        return NotASocketError(
            f"was closed with code {close.code if close else _DROPPED}" + (f": {told}" if told else "")
        )
