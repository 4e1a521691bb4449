"""The ledger's measurements: `python -m bench.ledger`. Events a second for each adapter, and what a dashboard asks.

First 10,000 events are replayed twice and shuffled into each ledger, and counted. Then 1,000,000 deployments with
10,000,000 events are made in a PostgreSQL of its own and in a SQLite file (about 9 GB in the temporary folder, gone at
the end), and each question is asked 200 times. Ends with 1 where a count is off, or a question takes more than 50 ms at
p95; the plans of those are printed. What a question waited for a CPU that other programs had is taken off.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.ledger import embedded, questions, rates
from bench.ledger.load import fill
from lockgate.adapters.console import Console
from tests.postgres import Databases, Server

LIMIT = 0.050
BIG = {"shared_buffers": "1GB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--events", type=int, default=1000, help="of each ledger's rate (default: 1000); 0: no rates")
    parser.add_argument("--replayed", type=int, default=10_000, help="events that are shuffled (default: 10000)")
    parser.add_argument("--deployments", type=int, default=1_000_000, help="0 leaves the questions out")
    parser.add_argument("--samples", type=int, default=200, help="of each question (default: 200)")
    parsed = parser.parse_args()
    console = Console(sys.stdout)
    failed = bool(parsed.events) and _rates(console, parsed.events, parsed.replayed)
    if parsed.deployments:
        failed |= _questions(console, parsed.deployments, parsed.samples)
    return int(failed)


def _rates(console: Console, events: int, replayed: int) -> bool:
    with _server({"fsync": "on"}) as databases:
        console.step(f"{events} events, one after the other and from {rates.WRITERS} writers at once")
        measured = rates.measure(databases, events)
        title = "Events written, each kept before the next step of a rollout; the databases sync to the disk"
        header = ["ledger", "events/s", "p50 ms", "p95 ms", f"events/s of {rates.WRITERS} writers"]
        console.table(title, header, [one.row() for one in measured])
        console.step(f"{replayed} events, replayed twice and shuffled")
        shuffled = rates.shuffle(databases, replayed)
        header = ["ledger", "events sent", "kept", "events/s", "lost", "chain", "rollouts as told"]
        console.table("Disorder", header, [one.row() for one in shuffled])
        return not all(one.whole for one in shuffled)


def _questions(console: Console, deployments: int, samples: int) -> bool:
    with _server(BIG) as databases:
        name = databases.new()
        began = time.monotonic()
        with databases.owner(name) as db:
            size = fill(db, deployments, console.step)
            db.execute("checkpoint")
        os.sync()  # what was loaded is on the disk before anything is asked
        console.step(f"{deployments:,} deployments, {size} made in {time.monotonic() - began:.0f} s")
        people, pipeline = (databases.server.dsn(name, user) for user in ("authenticator", "deployer"))
        answers = questions.measure(people, pipeline, deployments, samples)
    answers += embedded.measure(deployments, samples, console.step)
    title = f"{deployments:,} deployments, {deployments * 10:,} events: {samples} times each"
    console.table(
        title, ["as", "question", "rows", "p50 ms", "p95 ms", "p95 by the clock"], [one.row() for one in answers]
    )
    slow = [one for one in answers if one.p95 > LIMIT]
    for one in slow:
        console.bad(f"{one.question.text}: {one.p95 * 1000:.1f} ms at p95, where {LIMIT * 1000:.0f} are promised")
        console.show(one.plan)
    if not slow:
        console.good(f"every question is answered in {LIMIT * 1000:.0f} ms at p95")
    return bool(slow)


@contextmanager
def _server(settings: dict[str, str]) -> Iterator[Any]:
    server = Server(settings)
    server.create()
    server.start()
    databases = Databases(server)
    databases.prepare()
    try:
        yield databases
    finally:
        databases.close()
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
