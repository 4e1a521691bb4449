"""Who is let in. Without sign-in that is everybody who is on this machine, and nobody else can reach it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lockgate.core.board.viewer import Role, Viewer

PUBLIC = ("/livez", "/readyz", "/health", "/metrics", "/static/", "/auth/in", "/auth/back", "/auth/out")
"""Answered without asking who it is: nothing of the ledger is in them."""
DENIED = 4401
"""The close code of a WebSocket whose viewer is not known, or not any more; a client does not try again."""


class Door(Protocol):
    """Says who somebody is."""

    async def viewer(self, connection: HTTPConnection) -> Viewer | None:
        """Give who asks; None for nobody that is known."""
        ...

    def refusal(self, connection: HTTPConnection) -> Response:
        """Give the answer for nobody: a page to sign in at, or 401 for a program."""
        ...


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """Lets everybody in as the same viewer: for a board that listens on the loopback interface alone."""

    someone: Viewer = field(default_factory=lambda: Viewer("this machine", Role.OPERATOR))

    async def viewer(self, connection: HTTPConnection) -> Viewer | None:  # noqa: ARG002 - the door's protocol
        """Give the one viewer there is."""
        return self.someone

    def refusal(self, connection: HTTPConnection) -> Response:  # noqa: ARG002
        """Never needed."""
        return Response(status_code=401)


class Admission:
    """Asks the door for every request that is not public, and notes who it is and how far the live feed is.

    That must be noted before the ledger is asked: a page goes on from there, and what happens while it is being made
    would else be neither in it nor told to it.
    """

    def __init__(self, app: ASGIApp, door: Door, head: Callable[[], str]) -> None:
        self._app = app
        self._door = door
        self._head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] not in {"http", "websocket"} or _public(scope["path"]):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        viewer = await self._door.viewer(connection)
        if viewer is not None:
            scope.setdefault("state", {}).update(viewer=viewer, head=self._head())
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": DENIED, "reason": "sign in first"})
        else:
            await self._door.refusal(connection)(scope, receive, send)


def viewer_of(connection: HTTPConnection) -> Viewer:
    """Give who asks. Only behind `Admission`."""
    found: Viewer = connection.state.viewer
    return found


def eyes_of(connection: HTTPConnection) -> Viewer:
    """Give with whose eyes the ledger is read: everybody who sees the same services shares what it says."""
    return viewer_of(connection).eyes


def _public(path: str) -> bool:
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in PUBLIC)
