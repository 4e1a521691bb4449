"""Sessions in signed cookies, which every replica can read: short, and each signature good for one purpose."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.board.access import made
from lockgate.core.board.sign_in import Flow
from lockgate.core.board.viewer import Role, Viewer

HOURS = 8.0
"""A day's work. After it the provider is asked again, and says who has left or has another role."""
FLOW_SECONDS = 600
"""The time for signing in."""
LONGEST = 3800
"""A browser drops a cookie of more than 4,096 bytes without a word."""
SHORTEST_KEY = 32
_MOST_LEFT = 10_000


class TooMuchError(Exception):
    """A session would not fit into a cookie."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in."""

    id: str
    viewer: Viewer
    until: float
    """Seconds since 1970."""


@dataclass(slots=True)
class Sessions:
    """Writes and reads the cookies of one board."""

    keys: tuple[str, ...] = field(repr=False)
    """The first one signs; the others are still believed, so that a key can be changed without anybody noticing."""
    secure: bool
    hours: float = HOURS
    _left: dict[str, float] = field(default_factory=dict)
    """Sessions that were ended before their time, by this process."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookie. By TLS one that no other host, and no plain connection, can set."""
        return "__Host-lockgate" if self.secure else "lockgate"

    @property
    def flow_cookie(self) -> str:
        """The name of the cookie that one try to sign in has."""
        return f"{self.cookie}-flow"

    def begin(self, next_path: str) -> Flow:
        """Begin a try to sign in."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return Flow(state, nonce, verifier, next_path)

    def write_flow(self, flow: Flow, now: float) -> str:
        """Give the value of the cookie of a try."""
        told = {"state": flow.state, "nonce": flow.nonce, "verifier": flow.verifier, "next": flow.next}
        return self._write("flow", told, now + FLOW_SECONDS)

    def read_flow(self, value: str, now: float) -> Flow | None:
        """Read it; None where it is not ours, or over."""
        told = self._read("flow", value, now)
        return Flow(told["state"], told["nonce"], told["verifier"], told["next"]) if told else None

    def write(self, viewer: Viewer, now: float) -> str:
        """Give the value of a session's cookie; raise TooMuchError."""
        claims = viewer.claims or {}
        told = {
            "sid": secrets.token_urlsafe(16), "name": viewer.name, "role": str(viewer.role),
            "services": None if viewer.services is None else sorted(viewer.services),
            "sub": claims.get("sub", ""), "by": claims.get("iss", ""),
        }  # fmt: skip
        value = self._write("session", told, now + self.hours * 3600)
        if len(value) > LONGEST:
            raise TooMuchError("They do not fit into a session: give the claim the value `*`.")
        return value

    def read(self, value: str, now: float) -> Session | None:
        """Read it; None where it is not ours, over, or was ended."""
        told = self._read("session", value, now)
        if told is None or told["sid"] in self._left:
            return None
        services = None if told["services"] is None else frozenset(told["services"])
        viewer = made(told["name"], Role(told["role"]), services, told["sub"], told["by"])
        return Session(told["sid"], viewer, told["exp"])

    def end(self, session: Session, now: float) -> None:
        """End a session before its time. Another replica believes it until then; the browser forgets it."""
        self._left = {sid: until for sid, until in self._left.items() if until > now}
        if len(self._left) < _MOST_LEFT:
            self._left[session.id] = session.until

    def csrf(self, session: Session) -> str:
        """Give the word that only our own pages know, and each session has its own."""
        return self._csrf(self.keys[0], session)

    def own(self, session: Session, said: str) -> bool:
        """Whether somebody knows that word."""
        return any(hmac.compare_digest(self._csrf(key, session).encode(), said.encode()) for key in self.keys)

    def _csrf(self, key: str, session: Session) -> str:
        return hmac.new(_derived(key, "csrf"), session.id.encode(), hashlib.sha256).hexdigest()

    def _write(self, purpose: str, told: Mapping[str, Any], until: float) -> str:
        import jwt  # noqa: PLC0415 - an extra, and slow to import

        return jwt.encode({**told, "exp": int(until)}, _derived(self.keys[0], purpose), "HS256")

    def _read(self, purpose: str, value: str, now: float) -> dict[str, Any] | None:
        import jwt  # noqa: PLC0415

        for key in self.keys:
            try:
                told: dict[str, Any] = jwt.decode(
                    value,
                    _derived(key, purpose),
                    ["HS256"],
                    options={"verify_exp": False, "require": ["exp"]},  # judged here, by our own clock
                )
            except jwt.PyJWTError:
                continue
            return told if told["exp"] > now else None
        return None


def _derived(key: str, purpose: str) -> bytes:
    """Give the key of one purpose: what is signed for one is worth nothing for another."""
    return hmac.new(key.encode(), f"lockgate board {purpose}".encode(), hashlib.sha256).digest()
