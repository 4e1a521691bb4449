"""Who may do what, by what an identity provider says of a person: roles and services out of the claims of a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.board.viewer import Role, Viewer
from lockgate.core.redaction import printable

EVERYBODY = "*"
PROGRAM = "token:"
"""What the names of service tokens begin with, and nobody else's."""
_NAMES = ("preferred_username", "email", "name")
_LONGEST = 100
_MOST = 200
"""Services or roles of one person; more would not fit into a session."""


class NoAccessError(Exception):
    """Somebody is who they say, and may not look."""


@dataclass(frozen=True, slots=True)
class Access:
    """Which claim says what."""

    roles_claim: str = "roles"
    """Where the roles or groups are: a name, or a path such as realm_access.roles."""
    viewers: frozenset[str] = frozenset({"viewer"})
    """Who of them may look; `*` for everybody who can sign in."""
    operators: frozenset[str] = frozenset({"operator"})
    """Who of them may start a deployment, too."""
    services_claim: str = ""
    """Where the services are that somebody may see; "" lets everybody with a role see all of them."""

    def viewer(self, claims: Mapping[str, Any]) -> Viewer:
        """Give who that is; raise NoAccessError, which says what is missing."""
        has = words(found(claims, self.roles_claim))
        if has & self.operators:
            role = Role.OPERATOR
        elif has & self.viewers or EVERYBODY in self.viewers:
            role = Role.VIEWER
        else:
            raise NoAccessError(self._missing(claims))
        return made(_name(claims), role, self._services(claims), str(claims.get("sub", "")), str(claims.get("iss", "")))

    def _services(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        if not self.services_claim:
            return None
        services = words(found(claims, self.services_claim))
        return None if EVERYBODY in services else services

    def _missing(self, claims: Mapping[str, Any]) -> str:
        wanted = ", ".join(sorted(self.viewers | self.operators))
        text = f"Your account has none of the roles that this board knows ({wanted}) in `{self.roles_claim}`."
        overflown = claims.get("_claim_names")
        if isinstance(overflown, Mapping) and self.roles_claim in overflown:
            # Entra ID does so from 200 groups on.
            text += " You are in so many groups that the provider left them out: have app roles assigned instead."
        return text


def made(name: str, role: Role, services: frozenset[str] | None, subject: str, issuer: str) -> Viewer:
    """Give a viewer with the claims that the database's own policies read."""
    seen = [EVERYBODY] if services is None else sorted(services)
    claims = {"sub": subject, "iss": issuer, "role": "authenticated", "app_metadata": {"lockgate_services": seen}}
    return Viewer(name, role, services, claims)


def found(claims: Mapping[str, Any], path: str) -> Any:
    """Give a claim by its name, else by its path; None where it is not there."""
    if path in claims:  # a name may have dots: https://example.com/roles
        return claims[path]
    here: Any = claims
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def words(value: Any) -> frozenset[str]:
    """Read a list of names, or one text of names with spaces between them, as some providers write `scope`."""
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list | tuple):
        return frozenset()
    return frozenset(one for one in value[:_MOST] if isinstance(one, str) and 0 < len(one) <= _LONGEST)


def _name(claims: Mapping[str, Any]) -> str:
    """Give what to call somebody. People can change most of these names, so nothing is decided by them."""
    for claim in _NAMES:
        value = claims.get(claim)
        if isinstance(value, str) and value.strip() and not value.startswith(PROGRAM):
            return printable(value.strip())[:_LONGEST]
    return printable(str(claims.get("sub", "")))[:_LONGEST]
