"""What happens while people look: rollouts, told by the real state machine, as a process of their own.

`python -m bench.board.writer` takes a job: so many events a second, one commit each, evenly. Many rollouts go on at the
same time, in places drawn by weight: a few services are deployed often, most seldom. `at` of each event is the moment
just before it is written, so whoever hears it knows how long it took.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from lockgate.adapters.ledger.called import CalledLedger
from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.core.ledger import LedgerEvent, SpooledEvent, fence_of
from tests.browser.past import Rollout

ENVIRONMENTS = ("production", "staging", "test", "demo")
GOING = 60
"""Rollouts at the same time."""


def places(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield where the next rollout is: half of them in a tenth of the services."""
    while True:
        service = chance.randrange(50) if chance.random() < 0.5 else chance.randrange(500)
        yield f"service-{service:03}", chance.choice(ENVIRONMENTS)


def journals(seed: int, run: str, going: int = GOING) -> Iterator[LedgerEvent]:
    """Yield events of many rollouts, mixed as they would be; without an end."""
    chance = random.Random(seed)
    drawn = places(chance)
    count = 0

    def begin() -> Iterator[LedgerEvent]:
        nonlocal count
        count += 1
        service, environment = next(drawn)
        one = Rollout(f"live-{run}-{count:06}", service, environment, f"2.{count}.0", datetime.now(UTC), seed=seed)
        yield from one.events()

    open_ = [begin() for _ in range(going)]
    while True:
        at = chance.randrange(going)
        event = next(open_[at], None)
        if event is None:
            open_[at] = begin()
        else:
            yield event


def write(job: dict[str, Any]) -> dict[str, Any]:
    """Write `rate` events a second for `seconds`; give how many, and how late the latest of them began."""
    call = PostgresCall(job["dsn"], 10)
    ledger = CalledLedger(call)
    total = int(job["rate"] * job["seconds"])
    # Made before: to judge the samples of a rollout takes more CPU than everything else here.
    events = list(islice(journals(job["seed"], job["run"]), total))
    begin, latest, slowest = time.monotonic(), 0.0, 0.0
    for number, event in enumerate(events):
        due = begin + number / job["rate"]
        time.sleep(max(0.0, due - time.monotonic()))
        latest = max(latest, time.monotonic() - due)
        now = datetime.now(UTC)
        told = replace(event, at=now.isoformat(timespec="milliseconds"))
        began = time.perf_counter()
        ledger.replay([SpooledEvent(told, fence_of(now))])
        slowest = max(slowest, time.perf_counter() - began)
    call.close()
    return {"events": total, "latest": latest, "slowest": slowest}


if __name__ == "__main__":
    print(json.dumps(write(json.loads(sys.stdin.readline()))))
