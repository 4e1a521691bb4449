"""Behind the door: no foreign page acts for anybody, nobody asks too often, and nothing outlives its session."""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.board.api.problems import problem
from lockgate.board.auth.door import SignInDoor, late
from lockgate.board.door import DENIED
from lockgate.board.hardening.limits import LIVE

if TYPE_CHECKING:
    from lockgate.core.board.viewer import Viewer

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER, FIELD = "x-csrf-token", "csrf"
_FORM = "application/x-www-form-urlencoded"


class Guard:
    """Stands behind `Admission`, so it knows who asks."""

    def __init__(self, app: ASGIApp, door: SignInDoor) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        state = scope.get("state", {})
        viewer: Viewer | None = state.get("viewer")
        if viewer is None:
            await self._app(scope, receive, send)
            return
        reading = scope["type"] == "websocket" or scope["method"] in SAFE
        wait = await self._door.wait("read" if reading else "write", viewer.person)
        if wait and scope["type"] == "http":
            await late(wait)(scope, receive, send)
            return
        if "session" in state and not reading:
            said, receive = await _word(HTTPConnection(scope), receive)
            if not self._door.sessions.own(state["session"], said):
                # A cookie goes with whatever a foreign page sends; this word is on our own pages alone.
                told = problem(403, "That came from no page of this board", "Read the page again, and try once more.")
                await told(scope, receive, send)
                return
        if scope["type"] == "websocket" or scope["path"] in LIVE:
            await self._while_it_lasts(scope, receive, send)
        else:
            # Let in is let in: cut off half-way it would be no answer at all, and it has a time limit of its own.
            await self._app(scope, receive, send)

    async def _while_it_lasts(self, scope: Scope, receive: Receive, send: Send) -> None:
        """End a live connection with the session that it was opened by, whether that is over or was ended."""
        left = scope["state"]["until"] - self._door.now().timestamp()
        ended = False

        async def said(message: Message) -> None:
            nonlocal ended
            ended = ended or message["type"] == "websocket.close"
            await send(message)

        session = scope["state"].get("session")
        try:
            async with asyncio.timeout(left) as over:
                if session is None:
                    await self._app(scope, receive, said)
                    return
                with self._door.lasting(session, over):
                    await self._app(scope, receive, said)
        except TimeoutError:
            if not over.expired():
                raise
            if scope["type"] == "websocket" and not ended:
                await send({"type": "websocket.close", "code": DENIED, "reason": "the session is over"})


async def _word(connection: HTTPConnection, receive: Receive) -> tuple[str, Receive]:
    """Give the word of our own pages, out of the header or the form, and a body that can be read again."""
    headers = connection.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM or HEADER in headers:
        return headers.get(HEADER, ""), receive
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")  # its length is limited already
        more = message["type"] == "http.request" and message.get("more_body", False)
    read = False

    async def again() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return parse_qs(body.decode("latin-1")).get(FIELD, [""])[-1], again
