"""One JSON line for each request, with an id that goes through everything it causes, and a count for Prometheus."""

import json
import re
import time
import traceback
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.board.hardening.limits import LIVE
from lockgate.board.prometheus import Meters
from lockgate.board.traces import Request, Traces, begun
from lockgate.core.trace import Span

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""Probes that went well are counted, not told."""


class RequestLog:
    """Names each request, times it, counts it and tells it. No query string: it may hold what somebody searched for."""

    def __init__(
        self, app: ASGIApp, meters: Meters, write: Callable[[str], None], traces: Traces, least: int = 0
    ) -> None:
        """`least` is the lowest status that is told: 400 where a person looks at the log."""
        self._app = app
        self._traces = traces
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
        traced = begun(headers.get("traceparent", ""), record=self._traces.records and scope["path"] not in QUIET)
        request_id = said if _ID.fullmatch(said) else traced.trace
        scope.setdefault("state", {})["request_id"] = request_id
        status, started, failed, begin, answered = 0, time.perf_counter(), "", time.time_ns(), 0

        async def noted(message: Message) -> None:
            nonlocal status, answered
            answered = answered or time.time_ns()
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
            self._tell(scope, traced, (request_id, status, failed), time.perf_counter() - started)
            if traced.sampled:
                live = scope["type"] == "websocket" or scope["path"] in LIVE
                # A live connection lasts as long as somebody looks; its span is over when it is open.
                self._traces.add(_span(scope, traced, status, (begin, answered if live else 0)))

    def _tell(self, scope: Scope, traced: Request, ended: tuple[str, int, str], seconds: float) -> None:
        request_id, status, failed = ended
        route, method = _route(scope), scope.get("method", "WS")
        # A live connection lasts as long as somebody looks: that is no time to answer.
        self._meters.seen(route, method, status, seconds if scope["type"] == "http" and route != "/events" else 0.0)
        if not failed and status < max(self._least, 400 if scope["path"] in QUIET else 0):
            return
        viewer = scope.get("state", {}).get("viewer")
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "event": "request",
            "id": request_id,
            "trace": traced.trace,
            "method": method,
            "path": scope["path"][:500],
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "viewer": viewer.name if viewer else None,
            "client": (scope.get("client") or [None])[0],
            "error": failed or None,
        }
        self._write(json.dumps({name: value for name, value in told.items() if value is not None}))


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "other"))


def _span(scope: Scope, traced: Request, status: int, moments: tuple[int, int]) -> Span:
    """Make the span of a request: its route and how it ended, never who asked or what for."""
    route, method = _route(scope), scope.get("method", "GET")
    about = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": str(status),
        "network.protocol.name": "websocket" if scope["type"] == "websocket" else "http",
    }
    begin, end = moments
    passed = 0 < status < 500  # noqa: PLR2004 - HTTP
    name = f"{method} {route}"
    return Span(
        name, traced.trace, traced.span, traced.parent, begin, end or time.time_ns(), passed,
        "" if passed else f"status {status}", about,
    )  # fmt: skip
