"""The shop as a program."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("X-Version")
    finally:
        connection.close()


def test_the_program_serves_and_stops_when_asked() -> None:
    """PORT and LOCKGATE_VERSION are obeyed, and SIGTERM ends the program cleanly."""
    port = free_port()
    env = os.environ | {"PORT": str(port), "LOCKGATE_VERSION": "9.9"}
    shop = subprocess.Popen([sys.executable, "-m", "storefront"], cwd=ROOT, env=env)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                assert ask(port, "/health") == (200, "9.9")
                break
            except ConnectionRefusedError:
                assert shop.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        shop.send_signal(signal.SIGTERM)
        # uvicorn shuts down in order and then ends by the same signal, as a Unix program should.
        assert shop.wait(10) in {0, -signal.SIGTERM}
    finally:
        shop.kill()
        shop.wait()
