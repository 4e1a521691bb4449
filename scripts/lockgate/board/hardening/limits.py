"""Who may be named as the host, how long a body and an answer may be, and by which scheme people come."""

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.board.settings import Settings

LIVE = frozenset({"/events"})
"""Answers that last as long as somebody watches."""
PLAIN = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""Probes come to the address of a container, by its number and without TLS."""


class TooLongError(Exception):
    """The body is longer than the board reads."""


class Limits:
    """Refuses a foreign host, a body that is too long and an answer that takes too long; sends people to TLS."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on within its limits."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] not in PLAIN and headers.get("host", "").lower() not in self._settings.hosts:
            # A page that makes its own name mean this machine could read everything else.
            await _refuse(scope, receive, send, 421, "This board is not known by that name.\n")
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif self._settings.secure and scope["scheme"] == "http" and scope["path"] not in PLAIN:
            url = f"{self._settings.public_url.rstrip('/')}{scope['path']}"
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"{url}?{query}" if query else url, 308)(scope, receive, send)
        elif _length(headers) > self._settings.body_bytes:
            await _refuse(scope, receive, send, 413, "The body is too long.\n")
        else:
            await self._in_time(scope, receive, send)

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        left = self._settings.body_bytes

        async def heard() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLongError
            return message

        async def said(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(None if scope["path"] in LIVE else self._settings.seconds):
                await self._app(scope, heard, said)
        except TooLongError:
            await _refuse(scope, receive, send, 413, "The body is too long.\n", started=started)
        except TimeoutError:
            await _refuse(scope, receive, send, 503, "That took too long.\n", started=started)


def _length(headers: Headers) -> int:
    said = headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0  # noqa: PLR2004 - digits


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str, *, started: bool = False) -> None:
    if started:
        return
    if scope["type"] == "websocket":
        await receive()
        close: dict[str, Any] = {"type": "websocket.close", "code": 1008}
        await send(close)
        return
    headers = {"Retry-After": "5"} if status == 503 else {}  # noqa: PLR2004
    if status != 421:  # noqa: PLR2004 - the body may still be on its way, and nobody reads it
        headers["Connection"] = "close"
    await PlainTextResponse(text, status, headers)(scope, receive, send)
