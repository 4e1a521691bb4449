"""Every answer names the version that gave it, also one that failed: a gate must know whom it judges."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class VersionHeader:
    """Wraps a whole application, so that even its error pages carry `X-Version`."""

    def __init__(self, app: ASGIApp, version: str) -> None:
        self._app = app
        self._version = version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the wrapped application does, and say who did."""

        async def named(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                MutableHeaders(scope=message)["X-Version"] = self._version
            await send(message)

        await self._app(scope, receive, named)
