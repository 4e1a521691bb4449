"""Many targets from one process: `python -m bench.fleet`. Ends with 1 if a fleet did not end as it must.

Three deploys to as many local targets, in two waves, each target with its own proxy and service processes: the first
release, a good one, and one that fails in the last wave and must be rolled back everywhere. Meanwhile a kept-alive
connection to each target asks once every two seconds.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.fleet_load import Load
from lockgate.adapters.console import Console
from lockgate.adapters.local import sockets
from lockgate.adapters.runner import Runner

FIRST_PORT = 12000
"""Below the ports of the slots and of outgoing connections."""
LIMIT_SECONDS = 300
SERVICE = """
import json, os, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION, BAD_IN = os.environ["LOCKGATE_VERSION"], json.load(open("bad_in.json"))
BAD, asked = os.environ["LOCKGATE_ENVIRONMENT"] in BAD_IN, 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global asked
        asked += 1
        status = 500 if BAD and asked > 25 else 200
        self.send_response(status)
        self.send_header("X-Version", VERSION)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What one deploy showed."""

    name: str
    decision: str
    members: str
    seconds: float
    own_megabytes: float
    targets_megabytes: float
    requests: int
    lost: str
    versions: int


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--targets", type=int, default=100, help="how many, 2 to 200 (default: 100)")
    parser.add_argument("--concurrency", type=int, default=20, help="how many at the same time (default: 20)")
    arguments = parser.parse_args()
    count = min(200, max(2, arguments.targets))
    console = Console(sys.stdout)
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder, _ended(Path(folder)):
        fleet = _Fleet(Path(folder), count, arguments.concurrency)
        rows = [
            fleet.deploy("first release", "1.0", load=False),
            fleet.deploy("good release", "1.1"),
            fleet.deploy("fails in the last wave", "1.2", bad=True),
        ]
    header = ("deploy", "outcome", "targets", "seconds", "lockgate MB", "targets MB", "requests", "lost", "versions")
    console.table(f"{count} local targets, {arguments.concurrency} at a time", header, map(_cells, rows))
    expected = [("deployed", 1), ("deployed", 1), ("rolled_back", 1)]
    if (found := [(row.decision, row.versions) for row in rows]) != expected:
        console.bad(f"expected {expected}, got {found}")
        return 1
    return 0


def _cells(row: Row) -> tuple[str, ...]:
    size = (f"{row.own_megabytes:.0f}", f"{row.targets_megabytes:,.0f}")
    return (row.name, row.decision, row.members, f"{row.seconds:.0f}", *size, f"{row.requests:,}", row.lost,
            str(row.versions))  # fmt: skip


class _Fleet:
    def __init__(self, root: Path, count: int, concurrency: int) -> None:
        self._root = root
        ports = (port for port in range(FIRST_PORT, 20000) if sockets.is_free(port))
        self.ports = {f"t{number}": next(ports) for number in range(1, count + 1)}
        names = list(self.ports)
        first = max(1, count // 10)
        (root / "service.py").write_text(SERVICE, encoding="utf-8")
        config: dict[str, Any] = {
            "service": "bench",
            "build": {"kind": "bundle", "bundle": {"start": f"exec {sys.executable} -I service.py"}},
            "budgets": {"response": "2s", "deploy": "10m"},
            "environments": {
                "production": {
                    "targets": {name: {"port": port, "start_timeout": "1m"} for name, port in self.ports.items()},
                    "waves": [names[:first], names[first:]],
                    "concurrency": concurrency,
                    "strategy": {"steps": [100], "drain": "2s"},
                    "gate": {
                        "probes": [{"timeout": "5s"}],
                        "version": {"header": "X-Version"},
                        "rate": 5,
                        "detect": "60%",
                        "minimum_samples": 5,
                        "minimum_span": "1s",
                        "pre_promotion": "25s",
                        "bake": "3s",
                        "verify": "25s",
                    },
                }
            },
        }
        # JSON is YAML.
        (root / "lockgate.yml").write_text(json.dumps(config), encoding="utf-8")
        self._last = names[-1]

    def deploy(self, name: str, version: str, *, load: bool = True, bad: bool = False) -> Row:
        places = [f"production/{self._last}"] if bad else []
        (self._root / "bad_in.json").write_text(json.dumps([*places, version]), encoding="utf-8")
        self._lockgate("build", version).communicate()
        asked = Load(self.ports) if load else Load({})
        with asked.running():
            began = time.monotonic()
            process = self._lockgate("deploy", version, "production")
            peak = _Peak(process.pid)
            out, err = process.communicate(timeout=LIMIT_SECONDS)
            seconds = time.monotonic() - began
        peak.done.set()
        if not out.strip():
            raise SystemExit(f"lockgate deploy said nothing:\n{err[-3000:]}")
        result = json.loads(out)
        members = Counter(member["outcome"] for member in result["data"].get("members", {}).values())
        told = ", ".join(f"{count} {outcome}" for outcome, count in members.items()) or result["message"]
        lost = f"{sum(asked.lost.values())} {dict(asked.lost) if asked.lost else ''}".strip()
        versions = len(set(Load(self.ports).versions().values()))
        memory = sum(_memory(pid, "Pss") for pid in _pids(self._root)) / 1e6
        return Row(name, result["decision"], told, seconds, peak.bytes / 1e6, memory, asked.requests, lost, versions)

    def _lockgate(self, command: str, version: str, *words: str) -> "subprocess.Popen[str]":
        env = {**Runner().child_env(), "LOCKGATE_VERSION": version}
        argv = [sys.executable, "-m", "lockgate", command, "--json", *words]
        return subprocess.Popen(
            argv, cwd=self._root, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )


class _Peak:
    """The most memory a process had, looked at while it runs."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0.0
        self.done = threading.Event()
        self._pid = pid
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self.done.wait(0.5):
            self.bytes = max(self.bytes, _memory(self._pid, "Rss"))


def _memory(pid: int, kind: str) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{kind}:"):
                return float(line.split()[1]) * 1024
    return 0.0


def _pids(root: Path) -> Iterator[int]:
    """Give the processes that work below a folder: services and proxies started for it, and nobody else's."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(root):
                yield int(entry.name)


@contextmanager
def _ended(root: Path) -> Iterator[None]:
    """End whatever runs below the folder after the block."""
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in list(_pids(root)):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(1.0)


if __name__ == "__main__":
    raise SystemExit(main())
