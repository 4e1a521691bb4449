"""Open a WebSocket, have something come back, and close it. Nothing that the server sends is trusted."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockgate.adapters.http import Prober
from lockgate.core.outcome import SHOWN, Mark, Outcome, Place, bad
from lockgate.core.patterns import found_in
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.redaction import printable, shorten
from lockgate.core.samples import Fault

if TYPE_CHECKING:
    import aiohttp

MESSAGE_LIMIT = 64 * 1024
MOST_FRAMES = 200
"""Frames that may come before the one that is waited for: a flood must not keep the loop from everything else."""
_PING = b"lockgate"
_CLOSING = 0.5
"""Seconds for a farewell; a server that gives none is bad manners, and no fault."""


class NotASocketError(Exception):
    """What was opened is no WebSocket, or is one no more; the text says why."""


@asynccontextmanager
async def opened(prober: Prober, url: str) -> AsyncIterator["aiohttp.ClientWebSocketResponse"]:
    """Open a WebSocket without compression, and close it. Raise NotASocketError."""
    import aiohttp  # noqa: PLC0415 - see adapters.http

    try:
        socket = await prober.session.ws_connect(
            url,
            autoping=False,
            autoclose=True,
            max_msg_size=MESSAGE_LIMIT,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSING),
        )
    except prober.errors as error:
        raise NotASocketError(f"did not open: {str(error) or type(error).__name__}") from None
    try:
        yield socket
        if socket.close_code is None:
            await socket.close()
    finally:
        # Cut, not closed: where something went wrong, nobody waits for a farewell that may never come.
        socket._response.close()  # noqa: SLF001 - there is no other door


async def echoed(socket: "aiohttp.ClientWebSocketResponse", send: str = "", expect: str = "") -> None:
    """Wait for the answer to a text, or to a ping where there is none. Raise NotASocketError."""
    import aiohttp  # noqa: PLC0415 - see adapters.http

    try:
        with suppress(aiohttp.ClientError, OSError):  # it may be closed already; why is what is received next
            await (socket.send_str(send) if send else socket.ping(_PING))
        for _ in range(MOST_FRAMES):
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.PONG and not send and bytes(message.data) == _PING:
                return
            if message.type is aiohttp.WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT and send and found_in(expect or send, message.data):
                return
            elif message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.PONG}:
                raise NotASocketError(_ending(socket, message))
    except (aiohttp.ClientError, OSError) as error:
        raise NotASocketError(f"broke: {str(error) or type(error).__name__}") from None
    raise NotASocketError(f"sent {MOST_FRAMES} other frames instead of an answer")


def _ending(socket: "aiohttp.ClientWebSocketResponse", message: "aiohttp.WSMessage") -> str:
    import aiohttp  # noqa: PLC0415 - see adapters.http

    said = message.type is aiohttp.WSMsgType.CLOSE
    code, why = (message.data, message.extra) if said else (socket.close_code, message.data)
    told = shorten(printable(str(why or "")), SHOWN)
    return f"was closed with code {code}" + (f": {told}" if told else "")


@dataclass(frozen=True, slots=True)
class WebSocketProbe:
    """One handshake, one echo, one farewell."""

    probe: ProbeConfig
    prober: Prober

    async def ask(self, place: Place) -> Outcome:
        """Ask once."""
        where = f"WebSocket {self.probe.path}"
        headers: dict[str, str] = {}
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.probe.timeout), opened(self.prober, place.url + self.probe.path) as socket:
                found = socket._response.headers  # noqa: SLF001 - the only place where the handshake's headers are
                headers = {name.lower(): value for name, value in found.items()}
                await echoed(socket, self.probe.send, self.probe.expect)
                latency = time.perf_counter() - started
        except NotASocketError as error:
            return bad(self.probe.feeds, Fault.CLOSED, f"{where}: {error}")
        except TimeoutError:
            what = "an echo" if headers else "a handshake"
            detail = f"{where}: waited {self.probe.timeout:g} s for {what}"
            return bad(self.probe.feeds, Fault.NO_ANSWER, detail)
        return Outcome((Mark(self.probe.feeds, latency=latency),), headers, seen=where)
