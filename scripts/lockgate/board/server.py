"""The process around the application."""

import gc
import socket
from typing import TYPE_CHECKING

from lockgate.board.settings import Settings
from lockgate.errors import PortTakenError

if TYPE_CHECKING:
    from starlette.applications import Starlette

BACKLOG = 4096
"""Connections that may wait to be accepted: after a restart all of them come at once."""
MESSAGE_BYTES = 4096
PING, PONG = 15, 20
"""Seconds; below the shortest limit of the usual proxies, which is 20."""
GRACE = 5
"""Seconds for requests that are being answered when the process is asked to end."""


def bind(settings: Settings) -> socket.socket:
    """Take the port, before anything is promised; port 0 is any. Raise PortTakenError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With its protocol: asyncio sends small answers at once only on a socket that says it is TCP. Else the second half
    # of each waits for the client to acknowledge the first, which takes it 40 ms.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise PortTakenError(
            f"The board cannot listen on {settings.host} port {settings.port}: {error.strerror or error}.",
            fix="Choose another with --port; --port 0 takes any that is free.",
        ) from error
    return found


def serve(app: "Starlette", settings: Settings, listening: socket.socket) -> None:
    """Serve until a signal; raise KeyboardInterrupt for it, when everything is closed."""
    import uvicorn  # noqa: PLC0415 - an extra, and slow to import

    from lockgate.board.hardening.patience import PatientProtocol  # noqa: PLC0415 - uvicorn's
    from lockgate.board.live.lines import Line  # noqa: PLC0415 - uvicorn's

    config = uvicorn.Config(
        app,
        lifespan="on",
        http=PatientProtocol,
        ws=Line,
        # A context for each connection would be 30 to 100 kB, and every frame would be compressed 5,000 times.
        ws_per_message_deflate=False,
        ws_max_size=MESSAGE_BYTES,
        ws_ping_interval=PING,
        ws_ping_timeout=PONG,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=16 * 1024,
        backlog=BACKLOG,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=sorted(settings.trusted_proxies),
        server_header=False,
        access_log=False,
        log_config=None,
    )
    # What was loaded stays, so nobody need look whether it can go.
    gc.freeze()
    uvicorn.Server(config).run(sockets=[listening])
