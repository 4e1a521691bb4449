"""The embedded ledger at the same size: a SQLite file with as many events, and what is asked of it."""

import gc
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.ledger.load import CHUNK
from bench.ledger.questions import Answers, Parameters, Question, parameters
from bench.ledger.waiting import Waiting
from lockgate.adapters.board.sqlite import SqliteBoard
from lockgate.adapters.clock import SystemClock
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.core import metrics
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.viewer import Viewer
from lockgate.core.metrics import Period

ROLLOUTS = """
insert into rollouts
with recursive number(i) as (select :first union all select i + 1 from number where i < :last),
told as (select i, 'service-' || substr('000' || (i % 500), -3) as service,
  case i % 2000 / 500 when 0 then 'production' when 1 then 'staging' when 2 then 'test' else 'demo' end as environment,
  strftime('%Y-%m-%dT%H:%M:%f+00:00', :now - (:count - i) * 365.0 / :count) as at,
  case when i > :count - 100 then 'in_progress' when (i * 2654435761 >> 7) % 100 < 4 then 'rolled_back'
    when (i * 2654435761 >> 7) % 100 < 5 then 'broken' when (i * 2654435761 >> 7) % 100 < 10 then 'aborted'
    else 'deployed' end as status,
  substr('0000000000000000000000000000000000000000' || i, -40) as sha,
  'sha256:' || substr('0000000000000000000000000000000000000000000000000000000000000000' || i, -64) as digest
  from number)
select 'r' || substr('0000000' || i, -8), 'azure-container-apps', status, environment, service, sha, '1.' || i, at,
  'person-' || (i % 997),
  json_object('started_at', at, 'digest', digest, 'artifact', 'image:registry.example/' || service || '@' || digest,
    'approval', 'person-' || (i % 31), 'run_url', 'https://github.com/owner/name/actions/runs/' || i,
    'reason_code', 'ok', 'message', 'deployed', 'kind', 'deploy', 'override', '', 'baseline', ''),
  digest, 'deploy',
  case status when 'deployed' then json_object('revision', 'rev-' || i, 'verified', json('true'), 'release',
    json_object('service', service, 'version', '1.' || i, 'commit', sha, 'digest', digest,
      'artifact', 'image:registry.example/' || service || '@' || digest)) end,
  i, at, at, at
from told"""
EVENTS = """
insert into events
with recursive seq(n) as (select 0 union all select n + 1 from seq where n < 9)
select (substr(id, 2) - 1) * 10 + n + 1, id, n, fence, deployed_at,
  case n when 0 then 'rollout.started' when 4 then 'analysed.pre_promotion' when 7 then 'happened.shifted'
    when 9 then 'rollout.finished' else 'happened.judged' end,
  service, environment, json_object('revision', 'rev-' || id, 'passed', json('true'), 'reason_code', 'ok',
    'message', status, 'commit', commit_hash, 'digest', digest), substr(digest, 8)
from rollouts, seq where fence between :first and :last order by 1"""


class Watched(SqliteLedger):
    """Remembers what it asked last, so that the plan can be shown."""

    asked: tuple[str, tuple[Any, ...]] = ("select 1", ())

    def _rows(self, query: str, parameters: tuple[Any, ...]) -> list[sqlite3.Row]:
        self.asked = (query, parameters)
        return super()._rows(query, parameters)


def measure(deployments: int, samples: int, say: Callable[[str], None]) -> list[Answers]:
    """Fill a file in the temporary folder and ask; each question opens it anew, as a command does."""
    with tempfile.TemporaryDirectory(prefix="bench-ledger-") as folder:
        path = Path(folder) / "ledger.db"
        ledger = Watched(path, SystemClock())
        began = time.monotonic()
        _fill(path, deployments)
        say(f"a SQLite file of {path.stat().st_size / 1e9:.1f} GB made in {time.monotonic() - began:.0f} s")
        gc.freeze()  # what was made for the measurement is nothing that a command would look through
        return list(_ask(ledger, path, deployments, samples))


def _fill(path: Path, deployments: int) -> None:
    now = datetime.now(UTC).timestamp() / 86400 + 2440587.5  # in days, as SQLite counts them
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("pragma synchronous = off")
        for first in range(1, deployments + 1, CHUNK):
            told = {"first": first, "last": min(first + CHUNK - 1, deployments), "count": deployments, "now": now}
            db.execute("begin")
            db.execute(ROLLOUTS, told)
            db.execute(EVENTS, told)
            db.execute("commit")
        db.execute("update chain set position = ?", (deployments * 10,))


def _pages(board: SqliteBoard) -> Mapping[str, Callable[[Parameters], Any]]:
    """Give what the board asks of the file."""
    viewer = Viewer("bench")

    def page(**wanted: str) -> Any:
        return board.history(viewer, Filter(**wanted), Page()).rows

    return {
        "board: what serves, everywhere": lambda _: board.serving(viewer),
        "board: what is in progress": lambda _: board.open(viewer),
        "board: the latest 50": lambda _: page(),
        "board: the latest 50 of a service": lambda given: page(service=given["service"]),
        "board: the latest 50 that were rolled back": lambda _: page(status="rolled_back"),
        "board: the latest 50 of a person": lambda given: page(by=given["person"]),
        "board: by commit": lambda given: page(commit=f"{int(given['id'][1:]):040}"),
        "board: the 200 events after some event": lambda given: board.after(given["position"], 200),
    }


def _questions(ledger: Watched) -> Mapping[str, Callable[[Parameters], Any]]:
    year, days = timedelta(days=365), timedelta(days=90)
    now = datetime.now(UTC)

    def count(given: Parameters, environment: str, since: timedelta, period: Period) -> Any:
        return ledger.metrics(metrics.Question(given["service"], environment, now - since, now, period))

    return {
        "what stands": lambda given: ledger.standing(given["service"], given["environment"]),
        "what was verified": lambda given: ledger.verified(given["service"], given["environment"]),
        "what is unfinished": lambda given: ledger.unfinished(given["service"], given["environment"]),
        "was it rolled back": lambda given: ledger.rolled_back(
            given["service"], given["environment"], f"sha256:{int(given['id'][1:]):064}"
        ),
        "history of a place": lambda given: ledger.deployments(
            service=given["service"], environment=given["environment"], limit=50
        ),
        "history of a service": lambda given: ledger.deployments(service=given["service"], limit=50),
        "history of an environment": lambda given: ledger.deployments(environment=given["environment"], limit=50),
        "history of everything": lambda _: ledger.deployments(limit=50),
        "the journal of a rollout": lambda given: ledger.events(given["id"]),
        "the end of the chain": lambda _: [ledger.chain()],
        "metrics of an environment, 90 days by week": lambda given: count(
            given, given["environment"], days, Period.WEEK
        ),
        "metrics of a service, 90 days by week": lambda given: count(given, "", days, Period.WEEK),
        "metrics of an environment, a year by month": lambda given: count(
            given, given["environment"], year, Period.MONTH
        ),
    }


def _ask(ledger: Watched, path: Path, deployments: int, samples: int) -> Iterator[Answers]:
    waiting = Waiting("thread-self")
    for text, ask in {**_questions(ledger), **_pages(SqliteBoard(path))}.items():
        answers = Answers(Question("sqlite", text, ""))
        draw = parameters(deployments, random.Random(7), "*")
        for _ in range(samples):
            found = answers.time(partial(ask, draw()), waiting)
            answers.rows = max(answers.rows, len(found) if isinstance(found, list | tuple) else int(found is not None))
        with closing(sqlite3.connect(path)) as db:
            plan = db.execute("explain query plan " + ledger.asked[0], ledger.asked[1])
            answers.plan = [f"{ledger.asked[0]}: {row[-1]}" for row in plan]
        yield answers
