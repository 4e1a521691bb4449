"""A tiny service to put into an image: says its version, its user, what it may write, and the variables asked for."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers every path with what it knows."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer as JSON."""
        asked = parse_qs(urlsplit(self.path).query).get("env", [])
        body = json.dumps({
            "version": os.environ.get("LOCKGATE_VERSION", ""),
            "uid": os.getuid(),
            "writable": [folder for folder in ("/", "/app", "/tmp") if os.access(folder, os.W_OK)],  # noqa: S108
            "env": {name: os.environ.get(name) for name in asked},
        }).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("X-Version", os.environ.get("LOCKGATE_VERSION", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(how: str = "well") -> None:
    """Serve on PORT, or fail in the way that is asked for."""
    port = int(os.environ["PORT"])
    print(f"starting {how}", flush=True)
    if how == "exits":
        raise SystemExit(3)
    if how == "elsewhere":
        port += 1
    ThreadingHTTPServer(("", port), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
