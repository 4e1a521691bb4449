"""Answers on PORT as LOCKGATE_VERSION, and starts in a few hundredths of a second: the standard library only."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ.get("LOCKGATE_VERSION", "dev")


class Home(BaseHTTPRequestHandler):
    """Says who answers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer every path."""
        body = b'{"version": "%s"}' % VERSION.encode()
        self.send_response(200)
        self.send_header("X-Version", VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Home).serve_forever(poll_interval=0.05)
