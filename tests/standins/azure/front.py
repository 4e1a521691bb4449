"""What stands before the users: a host for each slot or revision, and the programs behind it.

A host asks, for every request anew, which backend is to answer it; so a platform's switch loses nothing. A backend is a
real process where a command is given, else it answers here, as a service that behaves as told for its digest.
"""

import asyncio
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, TCPConnector, web

from tests.ports import free_port
from tests.standins.azure.server import StandInServer


@dataclass(slots=True)
class Behaviour:
    """How a release behaves, by its digest."""

    errors_after: int | None = None
    """After so many answers, every one is a 500."""
    dead: bool = False
    """Never answers but 503; the platform calls it failed."""
    delay: float = 0.0


@dataclass(slots=True)
class Backend:
    """One running copy."""

    settings: Mapping[str, str]
    behaviour: Behaviour
    process: subprocess.Popen[bytes] | None = None
    port: int = 0
    answered: int = 0

    @property
    def version(self) -> str:
        """What it says it is."""
        return self.settings.get("LOCKGATE_VERSION", "")

    def stop(self) -> None:
        """End its process."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


ROUTING = "x-ms-routing-name"
Choose = Callable[[], Backend | None]


@dataclass
class Front:
    """The hosts of all apps, on one event loop in a thread of its own."""

    server: StandInServer
    command: Sequence[str] = ()
    """Starts a service that listens on $PORT; empty: the backends answer here."""
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    backends: list[Backend] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the loop."""
        self._loop = asyncio.new_event_loop()
        self._runners: list[web.AppRunner] = []
        self._session: ClientSession | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def host(self, choose: Choose, *, plain: bool = False, pinned: Choose | None = None) -> str:
        """Open a host whose every request is answered by what `choose` gives then; give "127.0.0.1:port".

        `pinned` chooses for whom App Service has sent to production before, or who says so: its documented cookie.
        """
        opening = self._open(choose, pinned or choose, plain=plain)
        return str(asyncio.run_coroutine_threadsafe(opening, self._loop).result(10))

    def launch(self, image: str, settings: Mapping[str, str]) -> Backend:
        """Run an image with its settings."""
        behaviour = self.behaviours.get(image.rpartition("@")[2], Behaviour())
        backend = Backend(dict(settings), behaviour)
        if self.command:
            backend.port = free_port()
            env = {"PATH": os.environ["PATH"], "PORT": str(backend.port), **settings}
            backend.process = subprocess.Popen(list(self.command), env=env, stdout=subprocess.DEVNULL)
            _wait(backend.port)
        self.backends.append(backend)
        return backend

    def close(self) -> None:
        """End everything."""
        for backend in self.backends:
            backend.stop()
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _open(self, choose: Choose, pinned: Choose, *, plain: bool) -> str:
        async def handle(request: web.Request) -> web.StreamResponse:
            to = pinned if request.cookies.get(ROUTING) == "self" else choose
            return await self._answer(to(), request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=None if plain else self.server.tls)
        await site.start()
        return f"127.0.0.1:{runner.addresses[0][1]}"

    async def _answer(self, backend: Backend | None, request: web.Request) -> web.StreamResponse:
        if backend is None or backend.behaviour.dead:
            return web.Response(status=503, text="Application Error")
        backend.answered += 1
        behaviour = backend.behaviour
        if behaviour.delay:
            await asyncio.sleep(behaviour.delay)
        if behaviour.errors_after is not None and backend.answered > behaviour.errors_after:
            return web.Response(status=500, text="the cache is full", headers={"X-Version": backend.version})
        if backend.process is None:
            body: dict[str, Any] = {"status": "ok", "version": backend.version}
            return web.Response(body=json.dumps(body).encode(), headers={"X-Version": backend.version})
        if self._session is None:
            self._session = ClientSession(connector=TCPConnector(force_close=True, limit=0))
        async with self._session.get(f"http://127.0.0.1:{backend.port}{request.path_qs}") as answer:
            headers = {"X-Version": answer.headers.get("X-Version", "")}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    async def _close(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        if self._session is not None:
            await self._session.close()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"nothing listens on {port}")
