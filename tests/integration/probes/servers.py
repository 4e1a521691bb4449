"""Real servers on a loop in a thread: what a test wants them to say, byte by byte."""

import asyncio
import base64
import contextlib
import hashlib
import threading

from lockgate.adapters.http import Prober
from lockgate.adapters.probes.kinds import Means, make
from lockgate.core.outcome import Place

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server:
    """Answers every connection with `talk(reader, writer)` until the block ends."""

    def __init__(self, talk, tls=None):
        self._talk, self._tls = talk, tls
        self._ready = threading.Event()
        self.connections = 0
        self.requests = []

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def _run(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks = set()

        async def serve(reader, writer):
            tasks.add(asyncio.current_task())
            self.connections += 1
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._talk(self, reader, writer)
            writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def head(server, reader):
    """Read one request's head."""
    found = await reader.readuntil(b"\r\n\r\n")
    server.requests.append(found.decode())
    return found


def says(answer, *, times=1, pause=0.0, hang=False):
    """Make a server that reads a request and says `answer`, so many times, and then hangs or closes."""

    async def talk(server, reader, writer):
        await head(server, reader)
        for _ in range(times):
            writer.write(answer)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if hang:
            await asyncio.sleep(60)
        await writer.drain()
        writer.close()

    return talk


def far_from(service):
    """Make a server that hands on what it is sent to another one, the first of it after half a second."""

    async def copied(reader, writer):
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def talk(_, reader, writer):
        await asyncio.sleep(0.5)
        back, forth = await asyncio.open_connection("127.0.0.1", service.port)
        await asyncio.gather(copied(reader, forth), copied(back, writer))

    return talk


def page(body=b"ok", status="200 OK", **headers):
    """Give an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def frame(payload, kind=1, *, fin=True):
    """Give a WebSocket frame from a server; kind 1 is text, 8 close, 9 ping, 10 pong."""
    first = (0x80 if fin else 0) | kind
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return bytes([first]) + length + payload


def upgraded(then):
    """Make a server that completes a WebSocket's handshake and goes on with `then`."""

    async def talk(server, reader, writer):
        request = (await head(server, reader)).decode()
        key = next(
            line.split(": ")[1] for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()).decode()
        writer.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Version: 7\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        await then(server, reader, writer)

    return talk


async def received(reader):
    """Read one masked frame of a client: its kind and payload."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(length)
    return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


async def echo(_, reader, writer):
    """Be a good WebSocket server: pong, echo, and say farewell."""
    while True:
        kind, payload = await received(reader)
        writer.write(frame(payload, {9: 10}.get(kind, kind)))
        await writer.drain()
        if kind == 8:
            return


def ask(probe, url="", *, means=None, budget=5.0, version=""):
    """Ask once, on a loop of its own; give the outcome."""

    async def once():
        given = means or Means()
        async with given.prober() as prober:
            assert isinstance(prober, Prober)
            return await make(probe, prober, given, budget).ask(Place(url, version))

    return asyncio.run(once())
