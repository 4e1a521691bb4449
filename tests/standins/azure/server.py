"""One TLS server with a CA of its own: routes a request to its service, lets faults strike, records every exchange."""

import os
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

from tests.standins.azure.faults import Fault, Faults, When
from tests.standins.azure.messages import Answer, Exchange, Request, error

Handler = Callable[[Request, re.Match[str]], Answer]
FOREIGN = "localhost"
"""Another name of this server, which no client has a reason to trust."""


class GarbledError(Exception):
    """What comes back is noise."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which calls a service answers."""

    method: str
    path: re.Pattern[str]
    handle: Handler


class StandInServer:
    """Listens on a free port of 127.0.0.1 until `close`."""

    def __init__(self, folder: Path) -> None:
        self.faults = Faults()
        self.exchanges: list[Exchange] = []
        self.busy_seconds = 0.0
        """How long requests have waited for their answers here."""
        self._routes: list[Route] = []
        self._lock = threading.RLock()
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", FOREIGN).configure_cert(context)
        self.tls = context
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._http.socket = context.wrap_socket(
            self._http.socket, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign] # clients may go as they like
        self.port = self._http.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.foreign_url = f"https://{FOREIGN}:{self.port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def route(self, method: str, path: str, handle: Handler) -> None:
        """Send calls whose whole path matches a regular expression to `handle`; case does not matter."""
        self._routes.append(Route(method, re.compile(path, re.IGNORECASE), handle))

    def calls(self, pattern: str) -> list[Exchange]:
        """Give the exchanges so far whose "METHOD /path" holds a pattern."""
        wanted = re.compile(pattern)
        return [one for one in self.exchanges if wanted.search(f"{one.request.method} {one.request.path}")]

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: Request) -> Answer | None:
        """Answer one request; None is an answer that never comes. Raise GarbledError where noise comes instead."""
        began = time.monotonic()
        fault = self.faults.take(request)
        answer = self._under_fault(request, fault) if fault else self._dispatch(request)
        with self._lock:
            self.exchanges.append(Exchange(request, answer))
            self.busy_seconds += time.monotonic() - began
        if fault and fault.garbled:
            raise GarbledError
        return answer

    def _under_fault(self, request: Request, fault: Fault) -> Answer | None:
        time.sleep(fault.delay)
        true = (
            self._dispatch(request)
            if fault.when is When.AFTER or not (fault.lost or fault.garbled or fault.answer)
            else None
        )
        return None if fault.lost or fault.garbled else fault.answer or true

    def _dispatch(self, request: Request) -> Answer:
        for route in self._routes:
            if route.method == request.method and (match := route.path.fullmatch(request.path)):
                with self._lock:
                    return route.handle(request, match)
        return error(404, "ResourceNotFound", f"The stand-in has no {request.method} {request.path}.")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        standin = self

        class OneConnection(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                url = f"https://{headers.get('host', '')}{self.path}"
                try:
                    answer = standin.answer(Request(self.command, url, headers, body))
                except GarbledError:
                    os.write(self.connection.fileno(), b"\x15\x03\x03 noise, and no record of TLS")
                    answer = None
                if answer is None:
                    self.close_connection = True
                    return
                content = answer.content
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Content-Type" not in answer.headers and content:
                    self.send_header("Content-Type", "application/json; charset=utf-8")
                if "Content-Length" not in answer.headers:  # HEAD says the length of what it does not send
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_one

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return OneConnection
