"""Send one message to one address: TLS only, no redirect, bounded in time, and the address is never shown."""

import http.client
from urllib.parse import urlsplit

from lockgate.adapters import tracing
from lockgate.adapters.clock import Clock
from lockgate.adapters.connection import authorities
from lockgate.errors import NotificationError

_TIMEOUT = 5.0
_TRIES = 3
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_GOOD = range(200, 300)
_AGAIN = {408, 425, 429}
_SERVER = 500


def send(variable: str, url: str, sent: bytes, headers: dict[str, str], clock: Clock) -> None:
    """POST; raise NotificationError, which names the variable that the address came from and never the address."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise NotificationError(f"${variable} holds no https address: nothing was sent.")
    problem = ""
    for tried in range(_TRIES):
        if tried:
            clock.sleep(2.0 ** (tried - 1) / 2)
        try:
            status = _post(parts.scheme, parts.netloc, f"{parts.path or '/'}?{parts.query}".rstrip("?"), sent, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = type(error).__name__
            continue
        if status in _GOOD:
            return
        problem = f"it answered {status}"
        if status < _SERVER and status not in _AGAIN:
            break
    raise NotificationError(f"What ${variable} names could not be told: {problem}.")


def _post(scheme: str, netloc: str, target: str, sent: bytes, headers: dict[str, str]) -> int:
    host = netloc.rpartition("@")[2]
    if scheme == "https":
        context = authorities()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, timeout=_TIMEOUT, context=context)
    else:
        connection = http.client.HTTPConnection(host, timeout=_TIMEOUT)
    try:
        connection.request(
            "POST",
            target,
            sent,
            {"Content-Type": "application/json", "User-Agent": "lockgate", **tracing.headers(), **headers},
        )
        return connection.getresponse().status
    finally:
        connection.close()
