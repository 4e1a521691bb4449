"""The load's own processes: each takes a job as JSON and gives what came of it, and slows nothing else."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Child:
    """One of them, with its job."""

    def __init__(self, module: str, job: dict[str, Any]) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"bench.board.{module}"], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.say(job)

    def say(self, told: dict[str, Any]) -> None:
        """Give it a line."""
        assert self._process.stdin  # noqa: S101
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Wait for a line of it."""
        assert self._process.stdout  # noqa: S101
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"bench.board.{self._module} ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def child(module: str, job: dict[str, Any]) -> Iterator[Child]:
    """Run one until the block ends."""
    one = Child(module, job)
    try:
        yield one
    finally:
        one.end()
