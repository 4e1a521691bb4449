"""Sign in to Azure without a stored secret: GitHub vouches for the job, Entra trusts GitHub."""

import base64
import binascii
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from lockgate.adapters import tracing
from lockgate.adapters.clock import SystemClock
from lockgate.adapters.connection import authorities
from lockgate.core.azure_cloud import AzureConfig
from lockgate.core.redaction import printable
from lockgate.core.sign_in import AUDIENCE, explain
from lockgate.errors import SignInError, UntrustedAddressError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

T = TypeVar("T")
_SECONDS = 10.0
_ATTEMPTS = 3
_BACKOFF = 0.5


@dataclass(frozen=True, slots=True)
class GitHubOidc:
    """Where this job may ask GitHub for a token about itself; the address and its bearer come from the runner."""

    url: str
    bearer: str
    ca: str = ""
    sleep: Callable[[float], None] = time.sleep

    def assertion(self) -> str:
        """Ask for a new token; never cached, because it lives for minutes and a job for hours. Raise SignInError."""
        if urlsplit(self.url).scheme != "https":
            raise UntrustedAddressError(f"GitHub's token endpoint is not https: {self.url}.")
        joint = "&" if urlsplit(self.url).query else "?"
        request = urllib.request.Request(  # noqa: S310 - https, checked above
            f"{self.url}{joint}audience={quote(AUDIENCE, safe='')}",
            headers={"Authorization": f"bearer {self.bearer}", "Accept": "application/json", "User-Agent": "lockgate"}
            | tracing.headers(),
        )
        trusted = urllib.request.HTTPSHandler(context=authorities(self.ca))
        opener = urllib.request.build_opener(_NoRedirect, trusted)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with opener.open(request, timeout=_SECONDS) as answer:
                    return str(json.load(answer)["value"])
            except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
                lasting = isinstance(error, urllib.error.HTTPError) and error.code < 500  # noqa: PLR2004
                if lasting or attempt == _ATTEMPTS:
                    raise SignInError(
                        "GitHub did not give this job a token about itself.",
                        why=f"Its token endpoint said: {error}",
                        fix="Give the job `permissions: id-token: write`; where a reusable workflow is called, its "
                        "caller's job needs it too. If it has it, run the job again.",
                    ) from error
                self.sleep(_BACKOFF * attempt)
        raise AssertionError


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the bearer to wherever it points."""

    def redirect_request(  # noqa: PLR0917 - the signature is the library's
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none."""


class KeylessCredential:
    """An azure-core credential: a new assertion at every token request, and Entra's errors explained."""

    def __init__(self, config: AzureConfig, oidc: GitHubOidc) -> None:
        from azure.identity import ClientAssertionCredential  # noqa: PLC0415 - a third of a second

        from lockgate.adapters.azure.transport import Transport  # noqa: PLC0415

        # azure-identity writes whole error bodies into its log, with what was presented.
        logging.getLogger("azure").setLevel(logging.CRITICAL)
        self._config = config
        self._oidc = oidc
        self._presented = ""
        self._inner = ClientAssertionCredential(
            config.tenant,
            config.client,
            self._assertion,
            authority=config.cloud.authority,
            disable_instance_discovery=True,
            transport=Transport(SystemClock(), oidc.ca, tracing.headers),
        )

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """Give a token for these scopes; raise SignInError."""
        return self._explained(lambda: self._inner.get_token(*scopes, **options))

    def get_token_info(self, *scopes: str, options: "TokenRequestOptions | None" = None) -> "AccessTokenInfo":
        """Give a token for these scopes; raise SignInError."""
        return self._explained(lambda: self._inner.get_token_info(*scopes, options=options))

    def _assertion(self) -> str:
        self._presented = self._oidc.assertion()
        return self._presented

    def _explained(self, get: Callable[[], T]) -> T:
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415

        try:
            return get()
        except ClientError as error:
            told = explain(
                printable(str(error)),
                tenant=self._config.tenant,
                client=self._config.client,
                claims=claims_of(self._presented),
            )
            raise SignInError(told.what, why=told.why, fix=told.fix) from error


class DeveloperCredential:
    """On a laptop: whoever is signed in with Azure's own command line. Nothing is stored by Lockgate."""

    def __init__(self, config: AzureConfig) -> None:
        from azure.identity import AzureCliCredential  # noqa: PLC0415

        logging.getLogger("azure").setLevel(logging.CRITICAL)
        self._inner: Any = AzureCliCredential(tenant_id=config.tenant)

    def get_token(self, *scopes: str, **options: Any) -> "AccessToken":
        """Give a token for these scopes; raise SignInError."""
        from azure.core.exceptions import AzureError as ClientError  # noqa: PLC0415

        try:
            token: AccessToken = self._inner.get_token(*scopes, **options)
        except ClientError as error:
            raise SignInError(
                "Nobody is signed in to Azure on this machine.",
                why=printable(str(error)),
                fix="Run `az login`. On GitHub no `az` is needed: give the job `permissions: id-token: write`.",
            ) from error
        return token


Credential = KeylessCredential | DeveloperCredential


def claims_of(token: str) -> dict[str, Any]:
    """Read what a token says, without trusting it: to show it, never to decide by it. {} where it is none."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
