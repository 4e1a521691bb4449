"""`python -m demo`: two releases through the real workflow files; exit 0 only if both end as they should."""

import argparse
import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from demo import act, page, processes, results
from demo.facts import Facts, Release
from demo.journal import Journal
from demo.sandbox import PROJECT, Sandbox, free_ports
from demo.story import Story
from demo.traffic import CONNECTIONS, RATE, WEBSOCKETS, Traffic
from lockgate.adapters.console import Console

PATCH = Path(__file__).with_name("release-2.patch")
PORTS = {"staging": "port: 8081", "production": "port: 8080"}
"""Where examples/storefront/lockgate.yml names the ports; the demo takes free ones instead."""
_INTERRUPTED = 130


class Demo:
    """One run, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        uv = PROJECT / ".cache" / "bin" / "uv"
        self.sandbox = Sandbox(folder / "work", uv if uv.is_file() else None)
        self.console = Console(sys.stdout)
        self.facts = Facts()
        self.traffic: Traffic | None = None
        self._began, self._epoch = time.monotonic(), time.time()

    def run(self) -> None:
        """Ship both releases."""
        self.sandbox.make()
        staging, self.port = free_ports(2)
        self.sandbox.edit(
            "lockgate.yml", {PORTS["staging"]: f"port: {staging}", PORTS["production"]: f"port: {self.port}"}
        )
        self.journal = Journal(self.sandbox.ledger)
        self.ship("Open the shop", "v1.0.0", "It is good.")
        if self.facts.releases[0].outcome != results.EXPECTED[0]:
            return
        self.sandbox.git("apply", str(PATCH))
        self.ship(
            "Show how many people are looking",
            "v1.1.0",
            "It forgets old visitors while counting them: after some hundreds of visits, each seventh fails.",
        )

    def ship(self, title: str, version: str, note: str) -> None:
        """Commit, push, and follow the workflow to its end."""
        number = len(self.facts.releases) + 1
        commit = self.sandbox.commit(title, version)
        release = Release(title, version, commit, self.clock())
        self.facts.releases.append(release)
        print(f"\nRelease {number}: {version}, “{title}”. {note}", flush=True)
        story = Story(release, self.console, self.clock, self._epoch)
        run = act.start(self.sandbox, "push", artifacts=str(number), log=self.folder / f"act-{number}.log")
        for event in run.events():
            self.follow(story)
            if event and event.kind in {act.Kind.JOB_BEGAN, act.Kind.JOB_ENDED}:
                story.job(event, run.result(event.job))
        self.follow(story)
        release.ended = self.clock()
        if not release.stages or (release.last and not release.last.result):
            self.console.bad("act ended without a result. Its last words:")
            for line in run.lines[-20:]:
                self.console.external(line)

    def follow(self, story: Story) -> None:
        """Tell what is new in the ledger; users come as soon as production serves."""
        for entry in self.journal.new():
            story.entry(entry)
            if self.traffic is None and (entry.environment, entry.kind) == ("production", "happened.shifted"):
                self.facts.load_began = self.clock()
                url = f"http://127.0.0.1:{self.port}/"
                self.traffic = Traffic.start(url, self.sandbox.env(), self.folder / "load.jsonl")
                self.console.step(
                    f"{'users':<13} {RATE} requests a second over {CONNECTIONS} connections, and {WEBSOCKETS} "
                    "WebSockets, from now on"
                )

    def end(self) -> None:
        """Let the users go, then leave nothing behind."""
        try:
            if self.traffic:
                self.facts.load = self.traffic.end()
        finally:
            processes.end_all(self.sandbox)
            self.facts.seconds = self.clock()

    def clock(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--into", type=Path, default=PROJECT / ".lockgate" / "demo", help="folder of the run")
    folder = parser.parse_args().into.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _interrupt)
    with _alone(folder):
        return _run(Demo(folder))


def _run(demo: Demo) -> int:
    print("Two releases of examples/storefront go through .github/workflows/pipeline.yml on this machine.")
    print("The second is broken in a way that its tests, its scan and staging do not show.")
    processes.end_all(demo.sandbox)  # what a run that was killed has left
    interrupted = False
    try:
        demo.run()
    except KeyboardInterrupt:
        interrupted = True
        print("\nInterrupted: ending what was started.", flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.end()
    if interrupted:
        demo.sandbox.remove()
        return _INTERRUPTED
    results.show(demo.facts, demo.console)
    results.write(demo.facts, demo.folder / "result.json")
    page.write(demo.facts, demo.folder / "report.html")
    report = f"the whole story: {demo.folder / 'report.html'}"
    if not results.as_expected(demo.facts):
        demo.console.bad(
            f"expected {', then '.join(results.EXPECTED)}, with users; {report}; it left: {demo.sandbox.root}"
        )
        return 1
    demo.sandbox.remove()
    demo.console.good(f"both releases ended as they should; {report}")
    return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder: two runs in it would end each other's processes."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"Another demo is running in {folder}.") from None
        yield


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename} is needed, and is not here.") from error
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{' '.join(map(str, error.cmd))} ended with code {error.returncode}.") from error
