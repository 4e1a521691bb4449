"""Tokens for programs: shown once, kept as a hash, each with a role, the services it may see, and an end.

One a line: `NAME ROLE SERVICES UNTIL HASH`, such as `reports viewer shop,till 2027-01-31 sha256:9f86d0...`.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from lockgate.core.board.access import EVERYBODY, PROGRAM, made
from lockgate.core.board.viewer import Role, Viewer

PREFIX = "lgb_"
"""What every token begins with, so that scanners for leaked secrets find one."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SERVICES = re.compile(r"\*|[A-Za-z0-9._-]{1,100}(,[A-Za-z0-9._-]{1,100})*")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """What is kept of one."""

    name: str
    role: Role
    services: str
    """Names with commas between them, or `*`."""
    until: date
    """The last day it is good for, in UTC."""
    hash: str

    def line(self) -> str:
        """Write it as it is configured."""
        return f"{self.name} {self.role} {self.services} {self.until.isoformat()} {self.hash}"

    def viewer(self) -> Viewer:
        """Give who it speaks for."""
        services = None if self.services == EVERYBODY else frozenset(self.services.split(","))
        return made(PROGRAM + self.name, self.role, services, PROGRAM + self.name, "lockgate")


def hashed(token: str) -> str:
    """Give what is kept of a token. It is 256 random bits: a slow hash would only slow the board down."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def parse(text: str) -> tuple[ServiceToken, ...]:
    """Read the lines; raise ValueError for one that makes no sense."""
    lines = [line.strip() for line in text.splitlines()]
    tokens = tuple(read(line) for line in lines if line and not line.startswith("#"))
    if len({token.name for token in tokens}) < len(tokens):
        raise ValueError("two tokens have the same name")
    return tokens


def read(line: str) -> ServiceToken:
    """Read one line; raise ValueError, which names the token and never its hash."""
    parts = line.split()
    name = parts[0] if parts and _NAME.fullmatch(parts[0]) else "one without a name"
    if len(parts) != 5:  # noqa: PLR2004 - see the module
        raise ValueError(f"{name}: a line is NAME ROLE SERVICES UNTIL HASH")
    if not (_NAME.fullmatch(parts[0]) and _SERVICES.fullmatch(parts[2]) and _HASH.fullmatch(parts[4])):
        raise ValueError(f"{name}: a name, services such as shop,till or *, and sha256:... are wanted")
    try:
        return ServiceToken(parts[0], Role(parts[1]), parts[2], date.fromisoformat(parts[3]), parts[4])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def holder(tokens: Iterable[ServiceToken], token: str, now: datetime) -> Viewer | None:
    """Give who a token speaks for; None for one that is not known, or over. Takes as long for every wrong one."""
    mine, today = hashed(token), now.astimezone(UTC).date()
    right = [one for one in tokens if hmac.compare_digest(one.hash, mine)]
    return right[0].viewer() if right and today <= right[0].until else None
