"""Open a WebSocket, have something come back, and close it."""

import asyncio
import time
from dataclasses import dataclass

from lockgate.adapters.http import Prober
from lockgate.adapters.probes.socket import Kind, NotASocketError, Socket, opened
from lockgate.core.outcome import Mark, Outcome, Place, bad
from lockgate.core.patterns import found_in
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.samples import Fault

MOST_FRAMES = 200
"""Frames that may come before the one that is waited for: a flood must not keep the loop from everything else."""
_PING = b"lockgate"


async def echoed(socket: Socket, send: str = "", expect: str = "") -> None:
    """Wait for the answer to a text, or to a ping where there is none. Raise NotASocketError, OSError."""
    await (socket.send(send) if send else socket.ping(_PING))
    for _ in range(MOST_FRAMES):
        kind, data = await socket.receive()
        if kind is Kind.PONG and not send and data == _PING:
            return
        if kind is Kind.TEXT and send and found_in(expect or send, data.decode()):
            return
    raise NotASocketError(f"sent {MOST_FRAMES} other frames instead of an answer")


@dataclass(frozen=True, slots=True)
class WebSocketProbe:
    """One handshake, one echo, one farewell."""

    probe: ProbeConfig
    prober: Prober

    async def ask(self, place: Place) -> Outcome:
        """Ask once."""
        where = f"WebSocket {self.probe.path}"
        headers: dict[str, str] = {}
        url = place.url + self.probe.path
        try:
            async with asyncio.timeout(self.probe.timeout), opened(self.prober, url, place.cookie) as socket:
                headers = socket.headers
                await echoed(socket, self.probe.send, self.probe.expect)
                latency = time.perf_counter() - socket.connected
        except NotASocketError as error:
            return bad(self.probe.feeds, Fault.CLOSED, f"{where}: {error}")
        except TimeoutError:
            what = "an echo" if headers else "a handshake"
            detail = f"{where}: waited {self.probe.timeout:g} s for {what}"
            return bad(self.probe.feeds, Fault.NO_ANSWER, detail)
        return Outcome((Mark(self.probe.feeds, latency=latency),), headers, seen=where)
