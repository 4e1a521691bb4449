"""Answers on PORT, with a WebSocket echo at `/ws` that is closed for all when the file `goodbye` is touched."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web

VERSION = os.environ["LOCKGATE_VERSION"]
GOODBYE = Path(os.environ.get("GOODBYE", "goodbye"))
OPEN: set[web.WebSocketResponse] = set()


async def home(_: web.Request) -> web.Response:
    """Say who answers."""
    return web.json_response({"status": "ok"}, headers={"X-Version": VERSION})


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send every message back."""
    socket = web.WebSocketResponse()
    socket.headers["X-Version"] = VERSION
    await socket.prepare(request)
    OPEN.add(socket)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    OPEN.discard(socket)
    return socket


def touched() -> float:
    """When the file was touched last."""
    return GOODBYE.stat().st_mtime if GOODBYE.exists() else 0.0


async def farewell(_: web.Application) -> AsyncIterator[None]:
    """Close what is open whenever the file is touched."""

    async def wait() -> None:
        before = touched()
        while True:
            await asyncio.sleep(0.05)
            if touched() != before:
                before = touched()
                for socket in list(OPEN):
                    await socket.close(code=WSCloseCode.GOING_AWAY)

    task = asyncio.create_task(wait())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Serve until asked to stop."""
    app = web.Application()
    app.add_routes([web.get("/", home), web.get("/ws", echo)])
    app.cleanup_ctx.append(farewell)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None, shutdown_timeout=0.5)


if __name__ == "__main__":
    main()
