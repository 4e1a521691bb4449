"""A service of the standard library and `served.py` beside it, which misbehaves as the `behaviour.json` beside it says.

mode: good, exit, silent (never listens), hang (accepts, never answers), html, wrong_port.
exit_unless: it exits at once where this file does not exist.
errors_after: after so many requests to `/`, every `every`-th is a 500.
errors_behind_proxy: every request that came through the proxy is a 500; one that came past it is answered well.
bad_in: only in these environments; elsewhere the service is good.
fault_file: while this file exists, every answer is a 503; two revisions can share one.
"""

import itertools
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from served import Handler, Server

BEHAVIOUR = json.loads(Path(__file__).with_name("behaviour.json").read_text())
if os.environ["LOCKGATE_ENVIRONMENT"] not in BEHAVIOUR.get("bad_in", [os.environ["LOCKGATE_ENVIRONMENT"]]):
    BEHAVIOUR = {}
VERSION = os.environ["LOCKGATE_VERSION"]
COUNT = itertools.count(1)


class Service(Handler):
    def answer(self, _target, headers):
        n = next(COUNT)
        after = BEHAVIOUR.get("errors_after")
        status, body = 200, json.dumps({"status": "ok", "version": VERSION}).encode()
        if after is not None and n > after and n % BEHAVIOUR.get("every", 1) == 0:
            status, body = 500, b"::error::the cache is full"
        if BEHAVIOUR.get("errors_behind_proxy") and "X-Forwarded-For" in headers:
            status, body = 500, b"no such table: orders"
        if Path(BEHAVIOUR.get("fault_file", "/nonexistent")).exists():
            status, body = 503, b"the database is away"
        if BEHAVIOUR.get("mode") == "html":
            body = b"<!doctype html><title>Welcome to nginx!</title>"
        if BEHAVIOUR.get("mode") == "slow":
            time.sleep(2.3)
        return status, {"X-Version": VERSION}, body


def main():
    mode, port = BEHAVIOUR.get("mode", "good"), int(os.environ["PORT"])
    if mode == "exit" or not Path(BEHAVIOUR.get("exit_unless", "/")).exists():
        sys.exit("cannot reach the database at db.internal")
    if mode == "silent":
        time.sleep(60)
    if mode == "hang":
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        time.sleep(60)
        listener.close()
    server = Server(("127.0.0.1", 0 if mode == "wrong_port" else port), Service)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)


main()
