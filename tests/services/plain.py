"""The good service without WebSockets, on the standard library alone: starts in a fraction of the time."""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

VERSION = os.environ.get("LOCKGATE_VERSION", "dev")


class Handler(BaseHTTPRequestHandler):
    """Answers `/?env=NAME`, `/headers` and `/slow?seconds=N`."""

    protocol_version = "HTTP/1.1"
    # Headers and body would leave in two packets, and the second wait for the first one's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Give JSON that names the version."""
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        time.sleep(float(query.get("seconds", ["0"])[0]))
        body: dict[str, Any] = {
            "version": VERSION,
            "env": {name: os.environ.get(name) for name in query.get("env", [])},
        }
        if url.path == "/headers":
            body |= dict(self.headers)
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("X-Version", VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as the load opens."""

    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever(poll_interval=0.05)
