"""In, back and out: the pages of signing in."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from lockgate.board.auth.door import SignInDoor, asker, late
from lockgate.board.auth.sessions import FLOW_SECONDS, Sessions, TooMuchError
from lockgate.board.pages.shown import page
from lockgate.board.wiring import board_of
from lockgate.core.board.access import NoAccessError
from lockgate.core.board.sign_in import Flow, ForgedError, ProviderAwayError

BACK = "/auth/back"
_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1000}")
"""A path of our own, which no browser can take for another host."""


class UnfinishedError(Exception):
    """What comes back belongs to no try of this browser."""


class RefusedError(Exception):
    """The provider let somebody go no further."""


_REFUSED: dict[type[Exception], tuple[int, str]] = {
    UnfinishedError: (400, "That sign-in cannot be finished"),
    RefusedError: (403, "The provider said no"),
    ForgedError: (403, "That sign-in is not believed"),
    NoAccessError: (403, "You may not look at this board"),
    TooMuchError: (403, "You may see too many services"),
}


class Ways:
    """The routes of one door."""

    def __init__(self, door: SignInDoor) -> None:
        self._door = door
        self._used: dict[str, float] = {}

    def routes(self) -> list[BaseRoute]:
        """Give them. All but the last are public."""
        return [
            Route("/auth/in", self.go_in),
            Route(BACK, self.back),
            Route("/auth/out", self.out),
            Route("/auth/leave", self.leave, methods=["POST"]),
        ]

    async def go_in(self, request: Request) -> Response:
        """Send a browser to the provider, with a cookie that only it has."""
        if wait := await self._door.wait("sign_in", asker(request)):
            return late(wait)
        sessions, wanted = self._door.sessions, request.query_params.get("next", "/")
        flow = sessions.begin(wanted if _PATH.fullmatch(wanted) else "/")
        try:
            where = await self._door.provider.address(flow, _redirect(request))
        except ProviderAwayError as error:
            return _away(request, error)
        response = RedirectResponse(where, 303)
        value = sessions.write_flow(flow, self._door.now().timestamp())
        _keep(response, sessions, sessions.flow_cookie, value, FLOW_SECONDS)
        return response

    async def back(self, request: Request) -> Response:
        """Take what the provider sends a browser back with, once, from the browser that went, and no other."""
        if wait := await self._door.wait("sign_in", asker(request)):
            return late(wait)
        sessions, now = self._door.sessions, self._door.now().timestamp()
        try:
            flow = self._flow(request, now)
            claims = await self._door.provider.claims(flow, request.query_params["code"], _redirect(request), now)
            value = sessions.write(self._door.access.viewer(claims), now)
        except ProviderAwayError as error:
            return _away(request, error)
        except tuple(_REFUSED) as error:
            status, title = _REFUSED[type(error)]
            return _told(request, status, title, str(error))
        response = RedirectResponse(flow.next, 303)
        _keep(response, sessions, sessions.cookie, value, int(sessions.hours * 3600))
        _drop(response, sessions, sessions.flow_cookie)
        return response

    def _flow(self, request: Request, now: float) -> Flow:
        """Give the try that a browser comes back from."""
        query, sessions = request.query_params, self._door.sessions
        flow = sessions.read_flow(request.cookies.get(sessions.flow_cookie, ""), now)
        if flow is None or query.get("state") != flow.state or self._was_used(flow.state, now):
            raise UnfinishedError("It took too long, was finished already, or was begun elsewhere.")
        if query.get("iss", self._door.provider.issuer) != self._door.provider.issuer:
            raise UnfinishedError("Another provider answered than the one that was asked (RFC 9207).")
        if "code" not in query:
            raise RefusedError(query.get("error", "")[:100])
        return flow

    async def leave(self, request: Request) -> Response:
        """End the session."""
        sessions = self._door.sessions
        if hasattr(request.state, "session"):
            self._door.end(request.state.session)
        response = RedirectResponse("/auth/out", 303)
        _drop(response, sessions, sessions.cookie)
        return response

    async def out(self, request: Request) -> Response:
        """Say that it is over, and where to sign out of everything else."""
        try:
            where = await self._door.provider.leaving()
        except ProviderAwayError:
            where = ""
        return page(request, "sign_in.html", title="You have signed out", detail="", leaving=where)

    def _was_used(self, state: str, now: float) -> bool:
        self._used = {one: until for one, until in self._used.items() if until > now}
        used = state in self._used
        self._used[state] = now + FLOW_SECONDS
        return used


def _redirect(request: Request) -> str:
    """Give the address that the provider sends people back to. The host was held against the board's own names."""
    public = board_of(request).settings.public_url.rstrip("/")
    return f"{public or 'http://' + request.headers['host']}{BACK}"


def _told(request: Request, status: int, title: str, detail: str) -> Response:
    return page(request, "sign_in.html", status=status, title=title, detail=detail, leaving="")


def _away(request: Request, error: ProviderAwayError) -> Response:
    response = _told(request, 502, "Nobody can sign in just now", f"{error}.")
    response.headers["Retry-After"] = "5"
    return response


def _keep(response: Response, sessions: Sessions, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, seconds, path="/", secure=sessions.secure, httponly=True, samesite="lax")


def _drop(response: Response, sessions: Sessions, name: str) -> None:
    response.delete_cookie(name, path="/", secure=sessions.secure, httponly=True, samesite="lax")
