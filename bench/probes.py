"""Probes of many endpoints at once: `python -m bench.probes`. Ends with 1 if their cost does not grow linearly.

One watch, as a rollout has it, asks 1, 100 and 1,000 endpoints over HTTP, each a port of a real server in another
process, each question with a connection of its own. Told are the samples a second, how much later than due a question
was asked, and the CPU time of the prober for each sample, which must not grow with their number.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.report import percentile
from lockgate.adapters.console import Console
from lockgate.adapters.watch import Endpoint, Watcher
from lockgate.core.config import GateConfig
from lockgate.core.gate import Gate
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.samples import GateSpec, Objective, Role

LOADS = ((1, 50.0), (100, 1.0), (1000, 0.2))
"""Endpoints, and questions a second to each."""
SECONDS, RUNS = 10.0, 3
DEARER = 1.5
"""How many times as dear a sample may be at most, among the loads."""
ANSWERED = 0.98
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'


@dataclass(frozen=True, slots=True)
class Run:
    """One watch."""

    samples: int
    expected: float
    seconds: float
    cpu: float
    late: list[float]
    """Seconds between when each question was due and when it was asked, in order of size."""


def main() -> int:
    """Measure and tell, or be the server."""
    parser = argparse.ArgumentParser(prog="python -m bench.probes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each watch lasts (at least 5)")
    parser.add_argument("--runs", type=int, default=RUNS, help="how often each load is watched")
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    _many_files()
    if parsed.serve:
        asyncio.run(_serve(parsed.serve))
        return 0
    console = Console(sys.stdout)
    runs: dict[int, list[Run]] = {count: [] for count, _ in LOADS}
    with _server(max(count for count, _ in LOADS)) as ports:
        _watch(ports[:1], 20.0, 1.0)  # what is loaded once is not counted
        for _ in range(max(1, parsed.runs)):
            for count, rate in LOADS:
                runs[count].append(_watch(ports[:count], rate, max(5.0, parsed.seconds)))
    console.table(
        f"Probes, medians of {max(1, parsed.runs)} interleaved runs",
        ("endpoints", "samples/s", "late: median", "p95", "p99", "max", "CPU per sample"),
        (_row(count, each) for count, each in runs.items()),
    )
    return _verdict(console, runs)


def _row(count: int, runs: Sequence[Run]) -> tuple[str, ...]:
    late = [statistics.median(percentile(run.late, percent) for run in runs) for percent in (50, 95, 99, 100)]
    return (
        f"{count:,}",
        f"{statistics.median(run.samples / run.seconds for run in runs):.0f}",
        *(f"{each * 1e3:.1f} ms" for each in late),
        f"{_cost(runs) * 1e3:.2f} ms",
    )


def _cost(runs: Sequence[Run]) -> float:
    """Give the CPU seconds of a sample."""
    return statistics.median(run.cpu / run.samples for run in runs)


def _verdict(console: Console, runs: dict[int, list[Run]]) -> int:
    costs = [_cost(each) for each in runs.values()]
    ratio = costs[-1] / costs[0]
    if short := [count for count, each in runs.items() if any(run.samples < ANSWERED * run.expected for run in each)]:
        console.bad(f"questions were left out at {short} endpoints: this machine is too slow or too busy for the load")
        return 1
    text = f"a sample of {LOADS[-1][0]:,} endpoints costs {ratio:.2f} times what one of a single endpoint costs"
    if ratio > DEARER:
        console.bad(f"{text}: more than {DEARER}, so the cost does not grow linearly")
        return 1
    console.good(f"{text}, at most {DEARER} times: the cost grows linearly")
    return 0


def _watch(ports: Sequence[int], rate: float, seconds: float) -> Run:
    """Watch so many endpoints for so long, as a bake does."""
    late: list[float] = []
    gate = Gate(
        GateSpec(
            (Objective("availability", 0.001, 0.05), Objective("latency", 0.05, 0.2)),
            alpha=1e-9,  # a busy machine must not end the measurement
            duration=seconds,
            minimum_samples=1,
            minimum_span=2.0,
            early_pass=False,
            compare=False,
        )
    )
    probe = ProbeConfig("/health", json={"status": "ok"}, timeout=10.0, response=10.0)
    watcher = Watcher(
        GateConfig(probes=(probe,), rate=rate),
        response_budget=10.0,
        stop=lambda: False,
        asked=lambda due, t: late.append(t - due),
    )
    endpoints = [Endpoint(f"http://127.0.0.1:{port}", {}, Role.CANDIDATE) for port in ports]
    began, used = time.monotonic(), time.process_time()
    report = watcher.judge(gate, endpoints)
    used, took = time.process_time() - used, time.monotonic() - began
    good = report.indicators[0].total - report.indicators[0].bad
    return Run(good, len(ports) * rate * seconds, took, used, sorted(late))


@contextmanager
def _server(ports: int) -> Iterator[list[int]]:
    """Start a server on so many ports, in a process of its own."""
    command = [sys.executable, "-m", "bench.probes", "--serve", str(ports)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


class _Answer(asyncio.Protocol):
    """Answers the first bytes of each connection, and closes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport.write(ANSWER)
        self._transport.close()


async def _serve(ports: int) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(_Answer, "127.0.0.1", 0, backlog=128) for _ in range(ports)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    # Ends with whoever started it, also where that was killed.
    await loop.run_in_executor(None, sys.stdin.read)


def _many_files() -> None:
    """Let this process have as many sockets open as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    raise SystemExit(main())
