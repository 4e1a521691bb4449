"""Answers on PORT as LOCKGATE_VERSION, with a WebSocket echo at `/ws`."""

import os

from aiohttp import WSMsgType, web

VERSION = os.environ.get("LOCKGATE_VERSION", "dev")


async def home(_: web.Request) -> web.Response:
    """Say who answers."""
    return web.json_response({"version": VERSION}, headers={"X-Version": VERSION})


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
    app.add_routes([web.get("/", home), web.get("/ws", echo)])
    port = int(os.environ["PORT"])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, shutdown_timeout=0.5)


if __name__ == "__main__":
    main()
