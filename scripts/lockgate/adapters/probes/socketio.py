"""Shake hands with a Socket.IO server: Engine.IO 4 by polling, or all the way to a connection by WebSocket."""

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from lockgate.adapters.http import Prober
from lockgate.adapters.probes.socket import Kind, NotASocketError, opened
from lockgate.adapters.probes.websocket import MOST_FRAMES
from lockgate.core.engineio import CONNECT, QUERY, fault_of_connect, fault_of_open, session_of
from lockgate.core.outcome import Mark, Outcome, Place, bad
from lockgate.core.probe_config import ProbeConfig, Transport
from lockgate.core.samples import Fault

_CLOSE = b"1"
_PING, _PONG = "2", "3"
_OK = 200


@dataclass(frozen=True, slots=True)
class SocketIoProbe:
    """One handshake, and a farewell so that the server keeps no session."""

    probe: ProbeConfig
    prober: Prober

    async def ask(self, place: Place) -> Outcome:
        """Ask once."""
        path = "/socket.io/" if self.probe.path == "/" else self.probe.path
        url = f"{place.url}{path}?{QUERY}{self.probe.transport}"
        try:
            async with asyncio.timeout(self.probe.timeout):
                ask = self._poll if self.probe.transport is Transport.POLLING else self._connect
                return await ask(url, place.cookie)
        except NotASocketError as error:
            return bad(self.probe.feeds, Fault.CLOSED, f"Socket.IO {path}: {error}")
        except TimeoutError:
            detail = f"Socket.IO {path}: no handshake within {self.probe.timeout:g} s"
            return bad(self.probe.feeds, Fault.NO_ANSWER, detail)

    async def _poll(self, url: str, cookie: str) -> Outcome:
        answer = await self.prober.get(url, self.probe.timeout, cookie)
        if answer.error or answer.status != _OK:
            fault = Fault.NO_ANSWER if answer.error else Fault.ERROR_STATUS
            return bad(self.probe.feeds, fault, f"Socket.IO by polling: {answer.seen}")
        text = answer.body.decode(errors="replace")
        if fault_text := fault_of_open(text):
            return bad(self.probe.feeds, Fault.WRONG_ANSWER, f"Socket.IO by polling: {fault_text}")
        # What comes of the farewell does not matter: where sessions stick to an instance, it may reach another.
        session = f"{url}&sid={quote(session_of(text)[:200], safe='')}"
        await self.prober.post(session, _CLOSE, self.probe.timeout, cookie)
        return Outcome((Mark(self.probe.feeds, latency=answer.latency),), answer.headers, seen="Socket.IO by polling")

    async def _connect(self, url: str, cookie: str) -> Outcome:
        async with opened(self.prober, url, cookie) as socket:
            wrong, connecting = "expected to be connected, got many other packets", False
            for _ in range(MOST_FRAMES):
                kind, data = await socket.receive()
                if kind is Kind.PING:
                    continue
                if kind is not Kind.TEXT:
                    raise NotASocketError("sent no text")
                packet = data.decode()
                if connecting and packet == _PING:
                    await socket.send(_PONG)
                    continue
                wrong = fault_of_connect(packet) if connecting else fault_of_open(packet)
                if wrong or connecting:
                    break
                connecting = True
                await socket.send(CONNECT)
        if wrong:
            return bad(self.probe.feeds, Fault.WRONG_ANSWER, f"Socket.IO by WebSocket: {wrong}")
        return Outcome((Mark(self.probe.feeds),), socket.headers, seen="Socket.IO by WebSocket")
