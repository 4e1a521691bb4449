"""The pages of the shop."""

import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from storefront.catalog import PRODUCTS, listing
from storefront.version import VersionHeader


def make_app(version: str) -> VersionHeader:
    """Build the application that answers as `version`."""
    started = time.monotonic()

    async def home(_: Request) -> Response:
        return JSONResponse({"version": version, "products": listing()})

    async def health(_: Request) -> Response:
        components = {"catalog": "ok" if PRODUCTS else "empty"}
        healthy = set(components.values()) == {"ok"}
        body = {
            "status": "ok" if healthy else "degraded",
            "version": version,
            "components": components,
            "uptime_seconds": round(time.monotonic() - started, 1),
        }
        return JSONResponse(body, status_code=200 if healthy else 503)

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_json({"version": version, "echo": text})

    routes = [Route("/", home), Route("/health", health), WebSocketRoute("/ws", echo)]
    return VersionHeader(Starlette(routes=routes), version)
