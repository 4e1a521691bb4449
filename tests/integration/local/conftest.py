"""A local target of its own for each test: real Caddy, real services, and nothing left running afterwards."""

import asyncio
import hashlib
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.load import run_load
from bench.report import LoadReport
from lockgate.adapters.clock import Clock, SystemClock
from lockgate.adapters.local import detached
from lockgate.adapters.local.target import LocalTarget
from lockgate.core.config import BuildConfig, BundleConfig, StrategyConfig
from lockgate.core.config_target import TargetConfig
from lockgate.core.release import Artifact, ArtifactKind, Release
from tests.ports import free_port

SERVICES = Path(__file__).parents[2] / "services"
NEED_PACKAGES = {"good", "sockets"}
MARK = "LOCKGATE_TEST"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a test deploys to. Each `target()` is what another command would see."""

    state: Path
    port: int
    said: list[str] = field(default_factory=list)
    drain: float = 5.0
    start_timeout: float = 10.0
    clock: Clock = field(default_factory=SystemClock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def folder(self) -> Path:
        return self.state / "targets" / "shop" / "production"

    def target(self, service: str = "plain", **changed: Any) -> LocalTarget:
        python = sys.executable if service in NEED_PACKAGES else f"{sys.executable} -S"
        parts: dict[str, Any] = {
            "service": "shop",
            "environment": "production",
            "config": TargetConfig(port=self.port, start_timeout=self.start_timeout),
            "strategy": StrategyConfig(drain=self.drain),
            "build": BuildConfig(bundle=BundleConfig(start=f"exec {python} {service}.py")),
            "state": self.state,
            "materialise": lambda _: SERVICES,
            "secrets": {},
            "env": {"PATH": os.environ["PATH"], MARK: str(self.state)},
            "launchers": {},
            "clock": self.clock,
            "say": self.said.append,
        }
        return LocalTarget(**parts | changed)

    def but(self, **changed: Any) -> "Site":
        return replace(self, **changed)


def release(version: str) -> Release:
    digest = hashlib.sha256(version.encode()).hexdigest()
    return Release("shop", version, digest[:40], Artifact(ArtifactKind.BUNDLE, "shop", f"sha256:{digest}"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    state = tmp_path / "state {with} odd 'name'"
    state.mkdir()
    here = Site(state=state, port=free_port())
    before = list(detached._CHILDREN.values())
    yield here
    here.target().shutdown()
    deadline = time.monotonic() + 2
    while (left := running(here)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == {}
    # Of each that has ended the exit code was asked for: nobody else can, and until then it is a zombie.
    started = [child for child in detached._CHILDREN.values() if child not in before]
    assert [child.args for child in started if child.returncode is None] == []


def running(site: Site) -> dict[int, str]:
    """What runs because of this site: process id -> command line."""
    found = {}
    marks = {f"{MARK}={site.state}".encode(), f"LOCKGATE_PROXY={site.folder}".encode()}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marks & set((entry / "environ").read_bytes().split(b"\0")):
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def kill(site: Site, revision_id: str) -> None:
    """End a revision behind Lockgate's back, as the kernel does when memory is short."""
    end(site, json.loads((site.folder / "revisions" / f"{revision_id}.json").read_text())["handle"]["pid"])


def end(site: Site, pid: int) -> None:
    """Kill a process of this site and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    while pid in running(site) or not _ended(pid):
        time.sleep(0.01)


def _ended(pid: int) -> bool:
    # It loses its memory, and what it was started with, some time before it ends.
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(") ")[2][0] in "ZX"


def get(url: str, headers: dict[str, str] | None = None, timeout: float = 5.0) -> dict[str, str]:
    """Ask once, on a connection of its own, for JSON."""
    request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - a server of this test
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        return dict(json.load(answer))


@dataclass
class Load:
    """A load that runs beside the test."""

    report: LoadReport | None = None


@contextmanager
def under_load(url: str, **options: Any) -> Iterator[Load]:
    """Load `url` while the block runs; the report is there after it."""
    load = Load()
    ready: list[Callable[[], None]] = []
    begun = threading.Event()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        ready.append(lambda: loop.call_soon_threadsafe(stop.set))
        begun.set()
        load.report = await run_load(url, stop=stop, **options)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert begun.wait(10)
    try:
        yield load
    finally:
        ready[0]()
        thread.join()
