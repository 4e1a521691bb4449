"""The headers that every answer has."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    # The last one: what comes over the live feed cannot become markup.
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",  # a browser heeds it over TLS alone
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


_KEPT = "public, max-age=31536000, immutable"


class SecurityHeaders:
    """Adds them, and keeps what a viewer sees out of every cache unless a route says otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""

        async def add(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", _KEPT if _for_ever(scope, message) else "no-store")
            await send(message)

        await self._app(scope, receive, add)


def _for_ever(scope: Scope, message: Message) -> bool:
    """Whether an address has the hash of what it gives."""
    named = scope.get("path", "").startswith("/static/") and bool(scope.get("query_string"))
    return named and message.get("status") == 200  # noqa: PLR2004 - HTTP
