"""The way every call to Azure goes: azure-core's pipeline, less what is dangerous in its defaults.

Its own retry policy sends a POST again after a gateway's 500, 502 or 503 with Retry-After, although the first one may
have been accepted: two swaps of deployment slots put the old image back, and it reports success. Here only what may be
done twice is done twice. Redirects are not followed: the token would go with them.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3.exceptions as wire
from azure.core import PipelineClient
from azure.core.exceptions import AzureError as ClientError
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    ContentDecodePolicy,
    HeadersPolicy,
    HTTPPolicy,
    ProxyPolicy,
    RedirectPolicy,
    RequestIdPolicy,
    RetryPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)

from lockgate.adapters.azure.identity import Credential
from lockgate.adapters.azure.transport import Transport
from lockgate.adapters.clock import Clock
from lockgate.adapters.tracing import headers
from lockgate.core.redaction import printable
from lockgate.errors import UntrustedAddressError

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse
    from azure.core.pipeline.policies import RequestHistory

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
"""Methods whose effect is the same when done twice. A PATCH is: ours say what shall be, not what to add."""
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_ERROR, _THROTTLED = 400, 429
_LONGEST_WAIT = 60.0
"""Seconds of a single Retry-After."""
_LONGEST_ALTOGETHER = 180.0
"""Seconds of all of one call's: about what its own pauses come to where Azure names none."""
_PORTS = {"https": 443, "http": 80}


class SafeRetry(RetryPolicy):  # type: ignore[type-arg] # generic in what only azure-core names
    """Try again what may be done twice: up to ten times when throttled, three when the connection breaks.

    A call that may not is tried once. One that Azure wants to have back in a quarter of an hour is given up with that
    answer: meanwhile users may be with a bad release, and whoever makes the call knows how long it may take.
    """

    def __init__(self) -> None:
        super().__init__(retry_total=10, retry_status=10, retry_connect=3, retry_read=3, retry_backoff_max=30)

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        """Take what one call says of itself: `repeatable=True` makes its POST one that only asks.

        `tries` is a list that gets what came of every try after which there may be another.
        """
        repeatable = options.pop("repeatable", False)
        options["retry_on_methods"] = REPEATABLE | {"POST"} if repeatable else REPEATABLE
        tries = options.pop("tries", [])
        return {**super().configure_retries(options), "history": tries}

    def is_retry(self, settings: dict[str, Any], response: "PipelineResponse[Any, Any]") -> bool:
        """Whether an answer is worth another try."""
        answer = response.http_response
        if answer.status_code < _ERROR or response.http_request.method.upper() not in settings["methods"]:
            return False
        asked = self.get_retry_after(response) or 0.0
        waited = sum(self.get_retry_after(one) or 0.0 for one in settings["history"] if one.http_response is not None)
        if asked > _LONGEST_WAIT or waited + asked > _LONGEST_ALTOGETHER:
            return False
        return answer.status_code in _TRANSIENT or "Retry-After" in answer.headers

    def get_retry_after(self, response: "PipelineResponse[Any, Any]") -> float | None:
        """Give the seconds that an answer asks to wait; None where it names none, or nonsense."""
        try:
            return super().get_retry_after(response)
        except (ValueError, OverflowError):
            return None


class Trace(SansIOHTTPPolicy[Any, Any]):
    """Put the headers of the rollout's trace on every call, as they are at that moment."""

    def __init__(self, headers: Callable[[], Mapping[str, str]]) -> None:
        self._headers = headers

    def on_request(self, request: "PipelineRequest[Any]") -> None:
        """Add them."""
        request.http_request.headers.update(self._headers())


class OnlyHost(SansIOHTTPPolicy[Any, Any]):
    """Send nothing to another host than the configured one: the token goes with every call."""

    def __init__(self, base: str) -> None:
        self._base = base

    def on_request(self, request: "PipelineRequest[Any]") -> None:
        """Raise UntrustedAddressError."""
        url = request.http_request.url
        if _host(url) != _host(self._base):
            raise UntrustedAddressError(
                f"Azure named an address to ask that is not {_host(self._base)[1]}: {printable(_host(url)[1])}.",
                why="The token of this job goes with every question; whoever has it can do what this job may.",
                fix="Nothing was sent there. If this is a cloud of its own, correct azure.cloud.resource_manager; else "
                "look for who changes answers between this runner and Azure.",
                certain=False,
            )


def _host(url: str) -> tuple[str, str]:
    """Give scheme and host; a port that is the scheme's own may be named or not."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower().removesuffix(f":{_PORTS.get(parts.scheme)}")


def policies(
    credential: Credential | None, scope: str, trace: Callable[[], Mapping[str, str]], base: str
) -> list[HTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]]:
    """Give the policies, in order: only to the host of `base`, and without a credential no token is sent."""
    stack: list[HTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]] = [
        OnlyHost(base),
        RequestIdPolicy(),
        HeadersPolicy(),
        Trace(trace),
        UserAgentPolicy("lockgate"),
        ProxyPolicy(),
        ContentDecodePolicy(),
        RedirectPolicy(permit_redirects=False),
        SafeRetry(),
    ]
    if credential is not None:
        stack.append(BearerTokenCredentialPolicy(credential, scope))
    return stack


def never_sent(error: ClientError) -> bool:
    """Whether the connection could not even be made, so that nothing of the call reached anybody.

    azure-core calls more than that a failed request: a TLS alert in the middle of an answer, too.
    """
    inner = error.inner_exception  # urllib3's own, or wrapped by requests, with its reason or without
    told = inner.args[0] if inner and inner.args else None
    causes = [inner, told, getattr(told, "reason", None)]
    if any(isinstance(one, wire.NewConnectionError | wire.ConnectTimeoutError | wire.ProxyError) for one in causes):
        return True
    return any(
        isinstance(one, wire.SSLError) and isinstance(one.args[0], ssl.SSLCertVerificationError) for one in causes
    )


def without_effect(tries: "Sequence[RequestHistory[Any, Any]]") -> bool:
    """Whether none of these tries can have been accepted: each was throttled, or never sent."""
    return all(
        never_sent(one.error)
        if isinstance(one.error, ClientError)
        else one.http_response is not None and one.http_response.status_code == _THROTTLED
        for one in tries
    )


def anonymous(url: str, clock: Clock, ca: str) -> "PipelineClient[Any, Any]":
    """Give a client for one host that is sent no token of ours."""
    return PipelineClient(url, policies=policies(None, "", headers, url), transport=Transport(clock, ca))
