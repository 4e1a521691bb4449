"""Answers on PORT as LOCKGATE_VERSION: `/`, `/slow?seconds=N`, `/headers`, POST `/`, and a WebSocket echo at `/ws`."""

import asyncio
import os

from aiohttp import WSMsgType, web

VERSION = os.environ.get("LOCKGATE_VERSION", "dev")
NAMED = {"X-Version": VERSION}


async def home(request: web.Request) -> web.Response:
    """Say who answers, and the environment variables that were asked for."""
    asked = {name: os.environ.get(name) for name in request.query.getall("env", [])}
    return web.json_response({"version": VERSION, "env": asked}, headers=NAMED)


async def slow(request: web.Request) -> web.Response:
    """Answer late."""
    await asyncio.sleep(float(request.query["seconds"]))
    return web.json_response({"version": VERSION}, headers=NAMED)


async def headers(request: web.Request) -> web.Response:
    """Show what the proxy sends."""
    return web.json_response(dict(request.headers), headers=NAMED)


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send every message back, with the version in front."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_json({"version": VERSION, "echo": message.data})
    return socket


def main() -> None:
    """Serve until asked to stop."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/", home),
            web.post("/", home),
            web.get("/slow", slow),
            web.get("/headers", headers),
            web.get("/ws", echo),
        ]
    )
    port = int(os.environ["PORT"])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, shutdown_timeout=0.5)


if __name__ == "__main__":
    main()
