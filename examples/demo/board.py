"""`make demo-board`: the board ships its own next version, while people have its page open.

Exit 0 only if both versions were deployed, no request was lost and no open page missed an event or heard one twice. The
pages show the very rollout that exchanges the board below them.
"""

import argparse
import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from bench.load import run_load
from bench.report import LoadReport
from demo import processes
from demo.open_page import OpenPage
from demo.sandbox import PROJECT, Sandbox, free_ports, user_cache
from lockgate.adapters.console import Console

CONFIG = "board.lockgate.yml"
SHIPPED = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "scripts", "schemas", CONFIG)
PAGES = 20
RATE = 20
"""Requests a second."""
SECONDS = 110.0
"""The longest time for both rollouts together."""
SETTLE = 3.0
"""Seconds after the rollout in which a page may still come back."""


class Failed(Exception):  # noqa: N818 - it names what became of the demo
    """A rollout did not end as it should; says how."""


def prepare(sandbox: Sandbox) -> tuple[str, int]:
    """Make the repository of the board, as it is here, with a free port and a state directory of its own."""
    sandbox.make()
    shutil.rmtree(sandbox.shop)
    sandbox.shop.mkdir()
    for name in SHIPPED:
        source, target = PROJECT / name, sandbox.shop / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    sandbox.git("init", "--quiet", "--initial-branch=main")
    (port,) = free_ports(1)
    changes = {
        "target: {kind: local, port: 8080}": f"target: {{kind: local, port: {port}}}",
        "--state-dir /var/lib/lockgate --url http://localhost:8080": (
            f"--state-dir {sandbox.state} --url http://localhost:{port}"
        ),
        # What `make test` does; here it would take longer than the rest.
        "make setup-test && .venv/bin/python -m pytest -n 2 --junitxml=junit.xml\n"
        "    --cov=lockgate.board --cov-report=xml tests/integration/board": (
            "python3 -m compileall -q scripts/lockgate/board && "
            """echo '<testsuite tests="1"><testcase name="compiles"/></testsuite>' > junit.xml\n  coverage: \"\""""
        ),
        "budgets: {coverage: 75%}": "",
        "vulnerabilities: when-available": "vulnerabilities: off",  # looking for the database takes half a minute
    }
    sandbox.edit(CONFIG, changes)
    return f"http://localhost:{port}", port


def ship(sandbox: Sandbox, version: str, log: Path, deadline: float) -> None:
    """Commit the board as it stands and run its pipeline; its output goes to a file. Raise Failed."""
    text = (sandbox.shop / "scripts/lockgate/__init__.py").read_text(encoding="utf-8")
    old = text.partition('__version__ = "')[2].partition('"')[0]
    sandbox.edit("scripts/lockgate/__init__.py", {f'"{old}"': f'"{version}"'})
    sandbox.commit(f"Release {version}", f"v{version}")
    command = [sys.executable, "-m", "lockgate", "run", "--approve", "--config", CONFIG]
    env = sandbox.env() | {"XDG_CACHE_HOME": str(user_cache())}  # so that nothing is fetched twice
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            [*command, "--state-dir", str(sandbox.state)], cwd=sandbox.shop, env=env, stdout=out,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=max(1.0, deadline - time.monotonic()),
        )  # fmt: skip
    if done.returncode:
        raise Failed(f"version {version} ended with code {done.returncode}; see {log}")


async def exchange(sandbox: Sandbox, url: str, log: Path, deadline: float) -> tuple[list[OpenPage], LoadReport, int]:
    """Ship the next version under open pages and requests; give what they saw and where the ledger ends."""
    pages = [OpenPage(url) for _ in range(PAGES)]
    for page in pages:
        await asyncio.to_thread(page.load)
    stop = asyncio.Event()
    watching = [asyncio.create_task(page.watch(stop)) for page in pages]
    load = asyncio.create_task(run_load(f"{url}/health", connections=4, rate=RATE, stop=stop))
    try:
        await asyncio.to_thread(ship, sandbox, "2.0.0", log, deadline)
        end = _last(sandbox)
        limit = time.monotonic() + 30
        while any((page.positions or [0])[-1] < end for page in pages) and time.monotonic() < limit:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE)
    finally:
        stop.set()
        await asyncio.gather(*watching)
    return pages, await load, end


def _last(sandbox: Sandbox) -> int:
    with closing(sqlite3.connect(f"{sandbox.ledger.as_uri()}?mode=ro", uri=True)) as ledger:
        return int(ledger.execute("select max(position) from events").fetchone()[0])


def show(console: Console, pages: list[OpenPage], load: LoadReport, end: int) -> bool:
    """Print what came of it; whether nothing was lost."""
    whole = [page.positions == list(range(page.first + 1, end + 1)) for page in pages]
    lost = load.failed + load.bad
    away = [seconds for page in pages for seconds in page.away]
    served = ", ".join(f"{count:,} by {version}" for version, count in load.by_version.items())
    codes = sorted({code for page in pages for code in page.closes})
    console.table(
        "The board shipped its own next version",
        ("what", "figure"),
        (
            ("open pages", str(len(pages))),
            ("events of the rollout, for each page", str(end - pages[0].first)),
            ("pages that heard each event once, in order", f"{sum(whole)} of {len(pages)}"),
            ("connections that stayed", str(sum(page.connections == 1 for page in pages))),
            ("connections that were resumed", f"{len(away)}{f', closed with {codes}' if codes else ''}"),
            ("longest time without a connection", f"{max(away, default=0):.1f} s"),
            ("pages that had to be read again", str(sum(page.resyncs for page in pages))),
            ("requests", f"{load.requests:,}: {served}"),
            ("requests lost", f"{lost} {load.errors or ''}".strip()),
            ("p50 / p99 / slowest", " / ".join(f"{each * 1e3:.0f} ms" for each in (load.p50, load.p99, load.slowest))),
        ),
    )
    both = set(load.by_version) == {"1.0.0", "2.0.0"}
    return all(whole) and not lost and both and end > pages[0].first


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m demo.board", description=__doc__)
    parser.add_argument("--into", type=Path, default=PROJECT / ".lockgate" / "demo-board", help="folder of the run")
    folder = parser.parse_args().into.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    uv = PROJECT / ".cache" / "bin" / "uv"
    sandbox, console = Sandbox(folder / "work", uv if uv.is_file() else None), Console(sys.stdout)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    deadline = time.monotonic() + SECONDS
    processes.end_all(sandbox)  # what a run that was killed has left
    try:
        url, _ = prepare(sandbox)
        console.step("version 1.0.0 of the board goes through its pipeline")
        ship(sandbox, "1.0.0", folder / "first.log", deadline)
        console.step(f"{PAGES} people open {url}/; version 2.0.0 goes through the same pipeline below them")
        good = show(console, *asyncio.run(exchange(sandbox, url, folder / "second.log", deadline)))
    except Failed as error:
        console.bad(str(error))
        return 1
    except subprocess.TimeoutExpired:
        console.bad(f"it took longer than {SECONDS:.0f} s; see the logs in {folder}")
        return 1
    finally:
        processes.end_all(sandbox)
    if not good:
        console.bad(f"something was lost, or only one version ever answered; it left: {sandbox.root}")
        return 1
    sandbox.remove()
    console.good("nobody missed anything")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
