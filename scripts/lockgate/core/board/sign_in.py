"""The port to an identity provider, and how signing in can end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class ForgedError(Exception):
    """What came back from signing in is not what the provider says, or not for us, or not for now."""


class ProviderAwayError(Exception):
    """The provider does not answer, or not as OpenID Connect wants it."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One try of one browser to sign in."""

    state: str
    nonce: str
    verifier: str
    """What the challenge is the hash of (RFC 7636)."""
    next: str
    """The path to go to afterwards."""


class Provider(Protocol):
    """An OpenID provider, as one board is known to it."""

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        ...

    async def address(self, flow: Flow, redirect: str) -> str:
        """Give where a browser goes to sign in. Raise ProviderAwayError."""
        ...

    async def claims(self, flow: Flow, code: str, redirect: str, now: float) -> Mapping[str, Any]:
        """Exchange a code for the claims of a verified token. Raise ForgedError, ProviderAwayError."""
        ...

    async def leaving(self) -> str:
        """Give where to sign out of the provider, too; "" where it says nothing of that."""
        ...
