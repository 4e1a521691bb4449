"""Wait until nobody uses a revision any more."""

from collections.abc import Callable

from lockgate.adapters.clock import Clock
from lockgate.adapters.local import sockets

_POLL_SECONDS = 0.15
_QUIET_SECONDS = 0.3
"""A request that took its route just before the switch may still be on its way to the service."""
_BLIND_SECONDS = 2.0
"""Where connections cannot be counted: longer than most requests take. SIGTERM lets the service finish the rest."""


def drain(port: int, limit: float, *, clock: Clock, say: Callable[[str], None]) -> None:
    """Return when there has been no connection to `port` for a moment, or after `limit` seconds.

    What counts is every open connection from this machine: requests, WebSockets, and the proxy's idle ones, which it
    closes after a second (see `caddy`).
    """
    started = clock.monotonic()
    if not sockets.tells():
        clock.sleep(min(limit, _BLIND_SECONDS))
        return
    quiet_since = None
    told = False
    while (now := clock.monotonic()) - started < limit:
        count = sockets.connections(port)
        if count:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = now
        elif now - quiet_since >= _QUIET_SECONDS:
            return
        if count and not told and now - started > _BLIND_SECONDS:
            told = True
            say(f"{count} connections are still open; waiting up to {limit - (now - started):.0f} s for them")
        clock.sleep(_POLL_SECONDS)
    if count := sockets.connections(port):
        say(f"{count} connections were still open after {limit:g} s and are closed now")
