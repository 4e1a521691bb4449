"""The local Azure without a network: what the product would send over TLS is handed over in this process.

Everything above the socket is the product's and its libraries' own. A call costs a fifth of a millisecond so, and its
waits nothing, because the clock is the caller's: a matrix of thousands of rollouts takes minutes.
"""

import io
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import RemoteDisconnected
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import SSLError as NoTlsError

from tests.standins.azure.front import Backend, Behaviour, Choose, Front
from tests.standins.azure.messages import Request
from tests.standins.azure.server import GarbledError
from tests.standins.azure.standin import AzureStandIn

SIGN_IN = "/oauth2/v2.0/token"


class VirtualClock:
    """A clock that only moves when somebody waits."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._began = datetime(2026, 11, 25, 10, tzinfo=UTC)

    def now(self) -> datetime:
        """Wall time."""
        return self._began + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Seconds that were waited so far."""
        return self.passed

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.passed += max(0.0, seconds)


@dataclass
class QuietFront(Front):
    """Hosts that have names and no sockets."""

    hosts: dict[str, Choose] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start nothing."""

    def host(self, choose: Choose, *, plain: bool = False, pinned: Choose | None = None) -> str:
        """Open a host."""
        name = f"host-{len(self.hosts)}.{'plain' if plain else 'tls'}.example"
        self.hosts[name] = choose
        return name

    def launch(self, image: str, settings: Mapping[str, str]) -> Backend:
        """Run an image with its settings."""
        return Backend(dict(settings), self.behaviours.get(image.rpartition("@")[2], Behaviour()))

    def at(self, url: str) -> Backend | None:
        """Give who would answer at an address now."""
        choose = self.hosts.get(urlsplit(url).netloc)
        return choose() if choose else None

    def close(self) -> None:
        """Nothing was started."""


class Wire:
    """Use as a context manager. `heard` is told of every call before it is made, sign-in excepted, and of its end."""

    def __init__(self, azure: AzureStandIn) -> None:
        self.azure = azure
        self.calls: list[str] = []
        """METHOD /path of every call so far."""
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        self.later = 0.0
        """Seconds that everybody's wall clock is ahead."""
        self._real_time = time.time
        self._patches = [
            patch.object(HTTPAdapter, "send", lambda adapter, request, **_: self._send(adapter, request)),
            patch.object(requests.sessions, "get_environ_proxies", lambda *_, **__: {}),
            patch.object(time, "time", lambda: self._real_time() + self.later),
        ]

    def __enter__(self) -> Self:
        for one in self._patches:
            one.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._patches:
            one.stop()

    def _send(self, adapter: HTTPAdapter, request: requests.PreparedRequest) -> requests.Response:
        url = urlsplit(str(request.url))
        name = f"{request.method} {url.path}"
        counted = not url.path.endswith(SIGN_IN)
        if counted:
            self.calls.append(name)
            self.before(name)
        self.azure.operations.settle_due()
        body: Any = request.body or b""
        headers = {key.lower(): value for key, value in request.headers.items()}
        asked = Request(
            str(request.method), str(request.url), headers, body if isinstance(body, bytes) else body.encode()
        )
        try:
            answer = self.azure.server.answer(asked)
        except GarbledError:
            raise requests.exceptions.SSLError(NoTlsError(ssl.SSLError(1, "record layer failure"))) from None
        if counted:
            self.after(name)
        if answer is None:
            gone = RemoteDisconnected("Remote end closed connection without response")
            raise requests.exceptions.ConnectionError(ProtocolError("Connection aborted.", gone))
        told = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
        raw = urllib3.HTTPResponse(
            io.BytesIO(answer.content), headers=told, status=answer.status, preload_content=False
        )
        return adapter.build_response(request, raw)
