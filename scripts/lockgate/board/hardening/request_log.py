"""One JSON line for each request, with an id that goes through everything it causes, and a count for Prometheus."""

import json
import re
import secrets
import time
import traceback
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.board.prometheus import Meters

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
QUIET = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""Probes that went well are counted, not told."""


class RequestLog:
    """Names each request, times it, counts it and tells it. No query string: it may hold what somebody searched for."""

    def __init__(self, app: ASGIApp, meters: Meters, write: Callable[[str], None], least: int = 0) -> None:
        """`least` is the lowest status that is told: 400 where a person looks at the log."""
        self._app = app
        self._least = least
        self._meters = meters
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and tell how it went."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = headers.get("x-request-id", "")
        request_id = said if _ID.fullmatch(said) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        status, started, failed = 0, time.perf_counter(), ""

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            elif message["type"] == "websocket.accept":
                status = 101
            elif message["type"] == "websocket.close" and not status:
                status = 403
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:  # noqa: BLE001 - the last line of defence: told in full, and not to whoever asked
            failed = traceback.format_exc(limit=-8)
            if not status and scope["type"] == "http":
                await PlainTextResponse(f"A bug in Lockgate. Request {request_id}.\n", 500)(scope, receive, noted)
        finally:
            self._tell(scope, headers, (request_id, status, failed), time.perf_counter() - started)

    def _tell(self, scope: Scope, headers: Headers, ended: tuple[str, int, str], seconds: float) -> None:
        request_id, status, failed = ended
        route = getattr(scope.get("route"), "path", "other")
        method = scope.get("method", "WS")
        # A live connection lasts as long as somebody looks: that is no time to answer.
        self._meters.seen(route, method, status, seconds if scope["type"] == "http" and route != "/events" else 0.0)
        if not failed and status < max(self._least, 400 if scope["path"] in QUIET else 0):
            return
        trace = _TRACE.fullmatch(headers.get("traceparent", ""))
        viewer = scope.get("state", {}).get("viewer")
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "event": "request",
            "id": request_id,
            "trace": trace[1] if trace else None,
            "method": method,
            "path": scope["path"][:500],
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "viewer": viewer.name if viewer else None,
            "client": (scope.get("client") or [None])[0],
            "error": failed or None,
        }
        self._write(json.dumps({name: value for name, value in told.items() if value is not None}))
