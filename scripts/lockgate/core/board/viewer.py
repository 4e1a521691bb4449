"""Who looks at the board, and what they may see and do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_PERSONAL = ("sub", "iss")
"""Claims that say who somebody is; the policies of the ledger go by the services alone."""


class Role(StrEnum):
    """What somebody may do; an operator may also do what a viewer may."""

    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Viewer:
    """One person or program, as whoever let them in says."""

    name: str
    role: Role = Role.VIEWER
    services: frozenset[str] | None = None
    """The services they may see; None for all of them."""
    claims: Mapping[str, Any] | None = field(default=None, hash=False)
    """What their token says, for the database's own row-level security; None for the board itself."""

    @property
    def eyes(self) -> "Viewer":
        """Whoever sees the same: nobody by name, so that all of them share the answers of the ledger."""
        claims = None if self.claims is None else {k: v for k, v in self.claims.items() if k not in _PERSONAL}
        return Viewer("", Role.VIEWER, self.services, claims)

    def sees(self, service: str) -> bool:
        """Whether a service exists for them."""
        return self.services is None or service in self.services

    @property
    def person(self) -> str:
        """Who it is among those who signed in, whatever they are called; "" for whoever came in without."""
        claims = self.claims or {}
        return f"{claims.get('iss')} {claims.get('sub')}" if claims else ""

    @property
    def operates(self) -> bool:
        """Whether they may start a deployment."""
        return self.role is Role.OPERATOR


ITSELF = Viewer("the board")
"""The board's own eyes: the live feed is read once, with them, and dealt out by what each viewer sees."""
