"""How fast each ledger takes events, and whether disorder loses any."""

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.ledger import GitHubLedger
from lockgate.adapters.ledger.called import CalledLedger
from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.adapters.ledger.spool import Spool
from lockgate.adapters.ledger.spooled import SpooledLedger
from lockgate.adapters.ledger.supabase import SupabaseCall
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.core import chain
from lockgate.core.config_ledger import LeaseRule
from lockgate.core.ledger import Ledger, LedgerEvent
from tests.integration.ledger import lives
from tests.standins.github import GitHub as GitHubStandIn
from tests.standins.postgrest import PostgREST

WRITERS = 8
KINDS = ("sqlite", "postgres", "supabase", "github")
JUDGED = {"revision": "green", "passed": True, "reason_code": "ok", "message": ""}
Open = Callable[[], Ledger]


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one ledger is."""

    kind: str
    seconds: list[float]
    """Of each event from one writer."""
    together: float
    """Events a second from many."""

    def row(self) -> list[str]:
        """Give a line of the table."""
        p50, p95 = sorted(self.seconds)[len(self.seconds) // 2], quantiles(self.seconds, n=20)[-1]
        alone = len(self.seconds) / sum(self.seconds)
        return [self.kind, f"{alone:.0f}", f"{p50 * 1000:.2f}", f"{p95 * 1000:.2f}", f"{self.together:.0f}"]


@dataclass(frozen=True, slots=True)
class Shuffled:
    """What came of events that arrived twice and in any order."""

    kind: str
    sent: int
    expected: int
    kept: int
    seconds: float
    damages: int
    rollouts: bool
    """Whether every rollout shows the outcome that its events told."""

    @property
    def whole(self) -> bool:
        """Whether nothing is lost, doubled or damaged."""
        return self.kept == self.expected and not self.damages and self.rollouts

    def row(self) -> list[str]:
        """Give a line of the table."""
        told = ["intact" if not self.damages else f"{self.damages} damages", "yes" if self.rollouts else "no"]
        rate = f"{self.sent / self.seconds:.0f}"
        return [self.kind, str(self.sent), str(self.kept), rate, str(self.expected - self.kept), *told]


def measure(databases: Any, events: int) -> list[Rate]:
    """Write as rollouts do: into the spool, then into the ledger, each before the next."""
    found = []
    for kind in KINDS:
        with _opened(kind, databases) as (make, folder):
            seconds: list[float] = []
            _write(_spooled(make(), folder) if kind != "sqlite" else make(), 0, events, seconds)
            began = time.perf_counter()
            threads = [
                threading.Thread(target=_write, args=(make(), number, events // WRITERS, []))
                for number in range(1, WRITERS + 1)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            found.append(Rate(kind, seconds, events // WRITERS * WRITERS / (time.perf_counter() - began)))
    return found


def shuffle(databases: Any, events: int) -> list[Shuffled]:
    """Replay a history twice, shuffled, and look at what is there."""
    entries = lives.history(random.Random(1), events // 2)[0][:events]
    outcomes = {one.event.rollout: one.event.data.get("outcome", "in_progress") for one in entries}
    sent = random.Random(2).sample(entries * 2, len(entries) * 2)
    found = []
    for kind in KINDS:
        with _opened(kind, databases) as (make, _):
            ledger = make()
            began = time.perf_counter()
            kept = ledger.replay(sent)
            seconds = time.perf_counter() - began
            links = list(ledger.links(0))
            damages = list(chain.damages(ledger.chain(), links))
            shown = {one.id: one.status for one in ledger.deployments(limit=events)}
            same = len(links) == kept and shown == outcomes
            found.append(Shuffled(kind, len(sent), len(entries), kept, seconds, len(damages), same))
    return found


def _write(ledger: Ledger, writer: int, events: int, seconds: list[float]) -> None:
    """Write rollouts of ten events under a lease of the writer's own place."""
    lease = ledger.acquire("shop", f"place-{writer}", "bench", 3600)
    first = lives.history(random.Random(writer), 1)[0][0].event
    for number in range(events):
        data = (
            first.data
            if number % 10 == 0
            else {"revision": "green", "passed": True, "reason_code": "ok", "message": ""}
        )
        kind = "rollout.started" if number % 10 == 0 else "happened.judged"
        event = LedgerEvent(f"w{writer}-{number // 10}", number % 10, first.at, kind, "shop", lease.environment, data)
        began = time.perf_counter()
        ledger.append(event, lease)
        seconds.append(time.perf_counter() - began)


def _spooled(ledger: Ledger, folder: Path) -> Ledger:
    return SpooledLedger(ledger, Spool(folder / "spool"), SystemClock(), LeaseRule.REQUIRED, print)


@contextmanager
def _opened(kind: str, databases: Any) -> Iterator[tuple[Open, Path]]:
    """Give what opens an empty ledger of a kind, once for each writer."""
    calls: list[PostgresCall] = []
    with tempfile.TemporaryDirectory(prefix="bench-ledger-") as name:
        folder = Path(name)
        if kind == "sqlite":
            yield lambda: SqliteLedger(folder / "ledger.db", SystemClock()), folder
            return
        if kind == "github":
            github, clock = GitHubStandIn(), SystemClock()
            door = GitHub(github.token, github.repository, github.url, clock, seconds=60)
            count = iter(range(1000))
            yield lambda: GitHubLedger(door, SqliteLedger(folder / f"{next(count)}.db", clock), clock), folder
            github.close()
            return
        database = databases.new()
        if kind == "postgres":

            def connect() -> Ledger:
                calls.append(PostgresCall(databases.server.dsn(database, "deployer"), 60))
                return CalledLedger(calls[-1])

            yield connect, folder
            for call in calls:
                call.close()
            return
        project = PostgREST(databases.server.dsn(database, "authenticator"))
        yield lambda: CalledLedger(SupabaseCall(project.url, project.keys.secret, 60)), folder
        project.close()
