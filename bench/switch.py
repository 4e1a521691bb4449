"""Switches under load: `python -m bench.switch`. Ends with 1 if a request was lost or a switch closed a WebSocket."""

import argparse
import asyncio
import hashlib
import itertools
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import run_load
from bench.report import LoadReport
from lockgate.adapters.clock import SystemClock
from lockgate.adapters.console import Console
from lockgate.adapters.local import sockets
from lockgate.adapters.local.target import LocalTarget
from lockgate.adapters.runner import Runner
from lockgate.core.config import BuildConfig, BundleConfig, StrategyConfig
from lockgate.core.config_target import TargetConfig
from lockgate.core.release import Artifact, ArtifactKind, Release

SERVICES = Path(__file__).parents[1] / "tests" / "services"
STEPS = (10, 50, 100)
CONNECTIONS, WEBSOCKETS = 20, 5
SECONDS_BETWEEN = 0.5
SECONDS_IN_A_CYCLE = 0.1
"""Shorter, so that hundreds of cycles fit into a few minutes."""

Turn = dict[str, int]


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.switch", description=__doc__)
    parser.add_argument("--switches", type=int, default=21, help="how often the traffic is shifted (at least 20)")
    parser.add_argument("--cycles", type=int, default=0, help="instead: promote by every step and roll back, so often")
    parsed = parser.parse_args()
    console = Console(sys.stdout)
    what = (
        f"{parsed.cycles} cycles of promote and roll back" if parsed.cycles else f"{max(20, parsed.switches)} switches"
    )
    console.step(f"{what} under {CONNECTIONS} keep-alive connections and {WEBSOCKETS} WebSockets")
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder, _deployed(Path(folder)) as (target, url):
        blue, green = (revision.id for revision in target.observe().revisions)
        if parsed.cycles:
            turns, pause = _cycles(blue, green, parsed.cycles), SECONDS_IN_A_CYCLE
        else:
            turns, pause = _to_and_fro(blue, green, max(20, parsed.switches)), SECONDS_BETWEEN
        report, shifts = asyncio.run(_measure(target, url, turns, pause))
    sockets_closed = report.websockets.closed + report.websockets.refused
    console.table(
        "Switches under load",
        ("what", "figure"),
        (
            (what, f"{len(shifts)} shifts of traffic"),
            ("requests", f"{report.requests:,} in {report.seconds:.1f} s"),
            ("answered by", ", ".join(f"{version}: {count:,}" for version, count in sorted(report.by_version.items()))),
            ("failures: no answer", f"{report.failed} {report.errors or ''}"),
            ("failures: wrong answer", f"{report.bad} {report.bad_by_version or ''}"),
            ("longest stall", f"{report.longest_stall * 1e3:.0f} ms"),
            (
                "p50 / p99 / slowest",
                " / ".join(f"{each * 1e3:.1f} ms" for each in (report.p50, report.p99, report.slowest)),
            ),
            ("WebSocket messages", f"{report.websockets.messages:,}"),
            ("WebSockets closed", f"{sockets_closed} {list(report.websockets.closes) or ''}"),
            ("one switch, median / longest", f"{_median(shifts) * 1e3:.1f} ms / {max(shifts) * 1e3:.1f} ms"),
        ),
    )
    lost = report.failed + report.bad + sockets_closed
    both = len(report.by_version) == 2
    if lost or not both:
        console.bad("something was lost" if lost else "only one of the two releases ever answered")
        return 1
    console.good("nothing was lost")
    return 0


async def _measure(
    target: LocalTarget, url: str, turns: Iterable[Turn], pause: float
) -> tuple[LoadReport, list[float]]:
    """Take one turn after the other while the load runs."""
    stop = asyncio.Event()
    load = asyncio.create_task(run_load(url, connections=CONNECTIONS, websockets=WEBSOCKETS, stop=stop))
    shifts: list[float] = []
    await asyncio.sleep(SECONDS_BETWEEN)
    for weights in turns:
        started = time.monotonic()
        # In a thread: the switch waits for the disk, and the load must not.
        await asyncio.to_thread(target.shift, weights)
        shifts.append(time.monotonic() - started)
        await asyncio.sleep(pause)
    stop.set()
    return await load, shifts


def _to_and_fro(blue: str, green: str, switches: int) -> Iterator[Turn]:
    """Give the traffic to the other revision by every step, then back by every step, and so on."""
    pairs = itertools.cycle([(green, blue), (blue, green)])
    return itertools.islice(({to: share, fro: 100 - share} for to, fro in pairs for share in STEPS), switches)


def _cycles(blue: str, green: str, cycles: int) -> Iterator[Turn]:
    """Promote by every step, as a rollout does, and return all traffic at once, as a rollback does."""
    for _ in range(cycles):
        yield from ({green: share, blue: 100 - share} for share in STEPS)
        yield {blue: 100}


@contextmanager
def _deployed(folder: Path) -> Iterator[tuple[LocalTarget, str]]:
    """Bring up two real services behind the real proxy, the first one serving; end them all afterwards."""
    port = next(port for port in range(18080, 19080) if sockets.is_free(port))
    target = LocalTarget(
        service="bench",
        environment="production",
        config=TargetConfig(port=port),
        strategy=StrategyConfig(drain=1.0),
        build=BuildConfig(bundle=BundleConfig(start=f"exec '{sys.executable}' good.py")),
        state=folder,
        materialise=lambda _: SERVICES,
        secrets={},
        env=Runner().child_env(),
        launchers={},
        clock=SystemClock(),
        say=lambda text: print(text, file=sys.stderr),
    )
    try:
        target.shift({target.deploy_preview(_release("one")).id: 100})
        target.deploy_preview(_release("two"))
        yield target, f"http://{sockets.LOOPBACK}:{port}/"
    finally:
        target.shutdown()


def _release(version: str) -> Release:
    digest = hashlib.sha256(version.encode()).hexdigest()
    return Release("bench", version, digest[:40], Artifact(ArtifactKind.BUNDLE, "bench", f"sha256:{digest}"))


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    raise SystemExit(main())
