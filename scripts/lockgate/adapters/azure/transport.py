"""What carries the calls to Azure: the requests library, with our authorities and our clock."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.pipeline.transport import RequestsTransport
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from lockgate.adapters.clock import Clock
from lockgate.adapters.connection import authorities

_CONNECT_SECONDS = 10
_READ_SECONDS = 60


class Transport(RequestsTransport):  # type: ignore[misc] # azure-core loads it lazily, and mypy sees Any
    """The requests library, waiting by our clock so that a wait can be interrupted."""

    def __init__(self, clock: Clock, ca: str, trace: Callable[[], Mapping[str, str]] = dict) -> None:
        session = Session()
        session.mount("https://", _Trusting(authorities(ca)))
        super().__init__(session=session, connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS)
        self._clock = clock
        self._trace = trace

    def send(self, request: Any, **options: Any) -> Any:
        """Send it, with the trace where no policy of ours has put it."""
        request.headers.update(self._trace())
        return super().send(request, **options)

    def sleep(self, duration: float) -> None:
        """Wait before the next try."""
        self._clock.sleep(duration)


class _Trusting(HTTPAdapter):
    """Trusts what it is given: requests would load all authorities anew for each connection.

    Nothing is tried again here: azure-core's policies, and ours, know what may be.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__(max_retries=Retry(total=False, redirect=False, raise_on_status=False))

    def init_poolmanager(self, *given: Any, **options: Any) -> None:
        """Make the pool of connections."""
        super().init_poolmanager(*given, ssl_context=self._tls, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pool of those that go through a proxy."""
        return super().proxy_manager_for(proxy, ssl_context=self._tls, proxy_ssl_context=self._tls, **options)

    def send(self, request: PreparedRequest, *given: Any, **options: Any) -> Response:
        """Send it; what to verify is not asked of the environment, which was read before."""
        return super().send(request, *given, **(options | {"verify": True}))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - the library's own
        """Add no authorities to ours."""
        conn.cert_reqs = "CERT_REQUIRED"
