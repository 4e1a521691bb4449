"""`lockgate board` as a process over a ledger in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import free_port

START_SECONDS = 30


@dataclass
class BoardProcess:
    """One board, which can be killed and started again at the same address."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None
    settings: dict = field(default_factory=dict)
    """What else its environment says."""

    @property
    def ledger(self):
        return self.folder / ".lockgate" / "ledger.db"

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    def start(self):
        """Start it, and wait until it answers that its ledger is there."""
        (self.folder / ".lockgate").mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, "-m", "lockgate", "board", "--no-open", "--port", str(self.port)]
        kept = ("PATH", "LANG", "PYTHONPATH")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        self.log = (self.folder / "board.log").open("a")
        env |= {"HOME": str(self.folder), **self.settings}
        self.process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=self.log, stderr=self.log)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.folder / "board.log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return self
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise AssertionError(f"the board did not start:\n{(self.folder / 'board.log').read_text()}")

    def kill(self):
        """End it as a crash does."""
        self.end(signal.SIGKILL)

    def end(self, number=signal.SIGTERM):
        if self.process:
            self.process.send_signal(number)
            self.process.wait(15)
            self.log.close()
            self.process = None
