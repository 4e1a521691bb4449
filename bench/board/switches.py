"""The board exchanged below thousands of open pages, by the local target and its proxy: who stays, who comes back."""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.board import process
from bench.board.account import Told, times
from bench.board.children import child
from bench.board.database import Ledger
from bench.board.live import EACH, EVERYTHING, head, rooms, settled
from lockgate.adapters.clock import SystemClock
from lockgate.adapters.console import Console
from lockgate.adapters.local.target import LocalTarget
from lockgate.adapters.runner import Runner
from lockgate.core.config import BuildConfig, BundleConfig, StrategyConfig
from lockgate.core.config_target import TargetConfig
from lockgate.core.release import Artifact, ArtifactKind, Release

SWITCHES, CLIENTS, EVENTS = 20, 1_000, 5
STAYED = 0.999
BETWEEN = 3.0
"""Seconds between two switches, in which pages come back: at most four, as the page draws them."""


def measure(console: Console, ledger: Ledger, folder: Path, switches: int = SWITCHES) -> bool:
    """Measure and tell; whether a limit was missed."""
    (port,) = process.ports(1)
    with process.provider(port) as provider, ExitStack() as stack:
        environment = provider.environment(ledger.board)
        with process.board(folder, port, environment):
            # Before the proxy is there, which says of everybody here that they come from one address: 20 at once may.
            cookies = provider.people(CLIENTS // EACH, few=False)
        target = stack.enter_context(_target(folder, port, environment))
        now = target.deploy_preview(_release(0)).id
        target.shift({now: 100})
        first = head(ledger)
        console.step(f"{switches} boards after another below {CLIENTS:,} open pages, {EVENTS} events a second")
        job = {"host": "127.0.0.1", "port": port, "origin": provider.url, "head": first,
               "cookies": cookies, "rooms": rooms(CLIENTS, 5, EVERYTHING)}  # fmt: skip
        writing = {"dsn": ledger.pipeline, "rate": EVENTS, "seconds": 3600, "seed": 6, "run": f"s{time.time():.0f}"}
        took = []
        with child("watchers", job) as watchers:
            watchers.hear()
            with child("writer", {**writing, "seconds": switches * 8}) as writer:
                for number in range(1, switches + 1):
                    began = time.monotonic()
                    new = target.deploy_preview(_release(number)).id
                    target.shift({new: 100})
                    target.retire(now)
                    now = new
                    took.append(time.monotonic() - began)
                    time.sleep(BETWEEN)
                writer.hear()
            heard = settled(ledger, watchers, first)
    return _tell(console, switches, took, heard)


def _tell(console: Console, switches: int, took: list[float], heard: dict[str, Any]) -> bool:
    told, chances = Told(*heard["told"]), CLIENTS * switches
    gone = heard["clients"] - heard["open"] + heard["missed"]
    stayed = 1 - gone / heard["clients"]
    median, p95, p99, longest = times(heard["away"])
    console.table(
        f"{switches} switches below {CLIENTS:,} open pages",
        ["what", "figure"],
        [
            ["connections that were not even interrupted", f"{chances - len(heard['away']):,} of {chances:,}"],
            ["connections that were resumed", f"{len(heard['away']):,}, ended by {heard['codes']}"],
            ["away, p50 / p95 / p99 / longest", f"{median:.2f} / {p95:.2f} / {p99:.2f} / {longest:.2f} s"],
            ["pages that heard each event once, in order", f"{CLIENTS - heard['missed']:,} of {CLIENTS:,}"],
            ["lost / twice / out of order / not theirs", " / ".join(str(one) for one in heard["told"][1:])],
            ["pages that had to be read again", str(heard["resyncs"])],
            ["a switch, median / longest", f"{times(took)[0]:.1f} / {max(took):.1f} s"],
            ["machine", f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"],
        ],
    )  # fmt: skip
    if stayed < STAYED or not told.whole or heard["resyncs"]:
        console.bad(f"{stayed:.2%} of the connections stayed or were resumed whole; {STAYED:.1%} are the limit")
        return True
    console.good(f"{stayed:.2%} of the connections stayed or were resumed, and nobody missed an event")
    return False


@contextmanager
def _target(folder: Path, port: int, environment: dict[str, str]) -> Iterator[LocalTarget]:
    folder.mkdir(parents=True, exist_ok=True)
    command = f'exec "{sys.executable}" -m lockgate board --no-open --port "$PORT"'
    target = LocalTarget(
        service="board",
        environment="production",
        config=TargetConfig(port=port),
        strategy=StrategyConfig(drain=1.0),
        build=BuildConfig(bundle=BundleConfig(start=command)),
        state=folder / "state",
        materialise=lambda _: folder,
        secrets={},
        env={**Runner().child_env(), **environment},
        launchers={},
        clock=SystemClock(),
        say=lambda text: print(text, file=sys.stderr),
    )
    try:
        yield target
    finally:
        target.shutdown()


def _release(number: int) -> Release:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    artifact = Artifact(ArtifactKind.BUNDLE, "board", f"sha256:{digest}")
    return Release("board", str(number), digest[:40], artifact)
