"""The good service without WebSockets, on the standard library alone: starts in a fraction of the time."""

import json
import os
import time
from typing import Any

from served import Handler, Server

VERSION = os.environ.get("LOCKGATE_VERSION", "dev")


class Plain(Handler):
    """Answers `/?env=NAME`, `/headers` and `/slow?seconds=N`."""

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Give JSON that names the version."""
        path, _, rest = target.partition("?")
        query = [tuple(pair.split("=", 1)) for pair in rest.split("&") if "=" in pair]
        time.sleep(float(dict(query).get("seconds", "0")))
        body: dict[str, Any] = {
            "version": VERSION,
            "env": {value: os.environ.get(value) for name, value in query if name == "env"},
        }
        if path == "/headers":
            body |= headers
        return 200, {"X-Version": VERSION, "Content-Type": "application/json"}, json.dumps(body).encode()


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["PORT"])), Plain).serve_forever(poll_interval=0.05)
