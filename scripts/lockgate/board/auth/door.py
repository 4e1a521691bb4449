"""The door of a board that others can reach: a session of somebody who signed in, or the token of a program."""

import asyncio
import hashlib
import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from lockgate.board.api.problems import problem
from lockgate.board.auth.sessions import Session, Sessions
from lockgate.core.board.access import Access
from lockgate.core.board.rates import Buckets, Rate
from lockgate.core.board.service_token import PREFIX, ServiceToken, hashed, holder
from lockgate.core.board.shared import AwayError, Shared
from lockgate.core.board.sign_in import Provider
from lockgate.core.board.viewer import Viewer

_NO_PAGES = ("/api/", "/badge/", "/events")


@dataclass(slots=True)
class Limits:
    """How often somebody may ask. Each is far above what a person does, and below what a guess takes."""

    sign_in: Buckets = field(default_factory=lambda: Buckets(Rate(20, 0.2)))
    """Tries to sign in, by address."""
    wrong: Buckets = field(default_factory=lambda: Buckets(Rate(20, 0.2)))
    """Tokens that are not known, by address."""
    read: Buckets = field(default_factory=lambda: Buckets(Rate(300, 30.0)))
    """Questions, by viewer."""
    write: Buckets = field(default_factory=lambda: Buckets(Rate(20, 0.2)))
    """Requests that change something, by viewer."""


@dataclass(slots=True)
class SignInDoor:
    """A `Door`."""

    provider: Provider
    access: Access
    sessions: Sessions
    now: Callable[[], datetime]
    tokens: tuple[ServiceToken, ...] = ()
    limits: Limits = field(default_factory=Limits)
    monotonic: Callable[[], float] = time.monotonic
    shared: Shared | None = None
    """Where every replica counts, if they do so together."""
    board: str = ""
    _live: dict[str, set[asyncio.Timeout]] = field(default_factory=dict)
    """What is live, by the session that opened it."""

    async def viewer(self, connection: HTTPConnection) -> Viewer | None:
        """Give who asks. A token that is not good is not made good by a cookie beside it."""
        state = connection.scope.setdefault("state", {})
        if "authorization" in connection.headers:
            return await self._program(connection)
        session = self.sessions.read(connection.cookies.get(self.sessions.cookie, ""), self.now().timestamp())
        if session is None:
            return None
        state |= {"session": session, "until": session.until, "csrf": self.sessions.csrf(session)}
        return session.viewer

    def refusal(self, connection: HTTPConnection) -> Response:
        """Send a person to the provider, and tell a program what is missing."""
        wait = connection.scope["state"].get("wait", 0.0)
        if wait:
            return late(wait)
        page = connection.headers.get("sec-fetch-mode", "navigate") == "navigate"
        path = connection.url.path
        if page and connection.scope["method"] == "GET" and not path.startswith(_NO_PAGES):
            query = connection.url.query
            return RedirectResponse("/auth/in?" + urlencode({"next": f"{path}?{query}" if query else path}), 303)
        told = problem(401, "Sign in first", "A program sends a service token: Authorization: Bearer lgb_...")
        told.headers["WWW-Authenticate"] = 'Bearer realm="lockgate"'
        return told

    @contextmanager
    def lasting(self, session: Session, over: asyncio.Timeout) -> Iterator[None]:
        """Know of a live connection as long as it lasts."""
        mine = self._live.setdefault(session.id, set())
        mine.add(over)
        try:
            yield
        finally:
            mine.discard(over)
            if not mine:
                self._live.pop(session.id, None)

    def end(self, session: Session) -> None:
        """End a session, and what is live by it in this process."""
        self.sessions.end(session, self.now().timestamp())
        for over in self._live.get(session.id, ()):
            over.reschedule(asyncio.get_running_loop().time())

    async def wait(self, limit: str, who: str) -> float:
        """Count one of what a limit is for; give 0.0, or the seconds until it may be tried again."""
        buckets: Buckets = getattr(self.limits, limit)
        if self.shared is not None:
            name = hashlib.sha256(who.encode(errors="replace")).hexdigest()
            with suppress(AwayError):
                return await self.shared.wait(f"{self.board}:{limit}:{name}", buckets.rate)
        return buckets.wait(who, self.monotonic())

    async def _program(self, connection: HTTPConnection) -> Viewer | None:
        scheme, _, token = connection.headers["authorization"].partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer" and token.startswith(PREFIX):
            now = self.now()
            if found := holder(self.tokens, token, now):
                mine = next(one for one in self.tokens if one.hash == hashed(token))
                ends = datetime.combine(mine.until, clock_time.min, UTC) + timedelta(days=1)
                connection.scope["state"]["until"] = ends.timestamp()
                return found
        connection.scope["state"]["wait"] = await self.wait("wrong", asker(connection))
        return None


def asker(connection: HTTPConnection) -> str:
    """Name the network that a request comes from: an address, or with IPv6 the part that one customer has."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host  # noqa: PLR2004


def late(wait: float) -> Response:
    """Say that somebody asks too often."""
    told = problem(429, "Too many requests", "Ask again later.")
    told.headers["Retry-After"] = str(int(wait) + 1)
    return told
