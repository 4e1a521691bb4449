"""What people and programs ask of the ledger, and how long the answers take."""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median, quantiles
from typing import Any

import psycopg
from psycopg.types.string import TextLoader

from bench.ledger.load import SERVICES
from bench.ledger.waiting import Waiting

Parameters = dict[str, Any]
PAGE = "select * from public.deployments where {} order by deployed_at desc, id desc limit 50"


@dataclass(frozen=True, slots=True)
class Question:
    """One query with parameters from somebody's point of view."""

    who: str
    """Of `one service`, ten or every one are people behind row-level security; `pipeline` calls the functions."""
    text: str
    query: str


@dataclass(slots=True)
class Answers:
    """How long the answers to a question took, in seconds."""

    question: Question
    rows: int = 0
    seconds: list[float] = field(default_factory=list)
    """Without the time in which other programs had the CPU that the question waited for."""
    clock: list[float] = field(default_factory=list)
    """With it."""
    plan: list[str] = field(default_factory=list)

    def time(self, ask: Callable[[], Any], waiting: Waiting) -> Any:
        """Ask once."""
        before, began = waiting.so_far(), time.perf_counter()
        found = ask()
        took = time.perf_counter() - began
        self.clock.append(took)
        self.seconds.append(max(0.0, took - waiting.since(before)))
        return found

    @property
    def p95(self) -> float:
        """The 95th percentile."""
        return quantiles(self.seconds, n=20)[-1]

    def row(self) -> list[str]:
        """Give a line of the table."""
        shown = (median(self.seconds), self.p95, quantiles(self.clock, n=20)[-1])
        return [self.question.who, self.question.text, str(self.rows), *(f"{value * 1000:.2f}" for value in shown)]


EVERYTHING = {
    "what serves, everywhere": "select * from public.deployment_current",
    "the latest 50 deployments": PAGE.format("true"),
    "the 50 after some deployment": PAGE.format("(deployed_at, id) < (%(at)s, %(id)s)"),
    "the last hour": PAGE.format("deployed_at > now() - interval '1 hour'"),
    "by commit": PAGE.format("commit_hash = %(commit)s"),
    "what is in progress": PAGE.format("status = 'in_progress'"),
    "the latest 50 that failed": PAGE.format("status in ('rolled_back', 'broken')"),
    "the latest 50 of a person": PAGE.format("deployed_by = %(person)s"),
    "the 500 events after some event": (
        "select * from public.deployment_events where position > %(position)s order by position limit 500"
    ),
}
A_SERVICE = {
    "what serves, of a service": "select * from public.deployment_current where service = %(service)s",
    "the latest 50 of a service": PAGE.format("service = %(service)s"),
    "the latest 50 in an environment": PAGE.format("service = %(service)s and environment = %(environment)s"),
    "the 50 after some, of these": PAGE.format(
        "service = %(service)s and environment = %(environment)s and (deployed_at, id) < (%(at)s, %(id)s)"
    ),
    "a service's commit": PAGE.format("service = %(service)s and commit_hash = %(commit)s"),
    "a service's 50 that failed": PAGE.format("service = %(service)s and status in ('rolled_back', 'broken')"),
    "the events of a rollout": "select * from public.deployment_events where rollout = %(id)s order by seq",
    "a service's 500 events after some event": (
        "select * from public.deployment_events where service = %(service)s and position > %(position)s "
        "order by position limit 500"
    ),
}
PIPELINE = {
    "what stands": "select public.lockgate_standing(%(service)s, %(environment)s)",
    "what was verified": "select public.lockgate_verified(%(service)s, %(environment)s)",
    "what is unfinished": "select public.lockgate_unfinished(%(service)s, %(environment)s)",
    "was it rolled back": "select public.lockgate_rolled_back(%(service)s, %(environment)s, %(digest)s)",
    "history of a service": "select public.lockgate_deployments(%(service)s, '', 20)",
    "history of everything": "select public.lockgate_deployments('', '', 20)",
    "the journal of a rollout": "select public.lockgate_events(%(id)s)",
    "the end of the chain": "select public.lockgate_chain()",
    "metrics of an environment, 90 days by week": (
        "select public.lockgate_metrics(%(service)s, %(environment)s, now() - interval '90 days', now(), 'week')"
    ),
    "metrics of a service, 90 days by week": (
        "select public.lockgate_metrics(%(service)s, '', now() - interval '90 days', now(), 'week')"
    ),
    "metrics of an environment, a year by month": (
        "select public.lockgate_metrics(%(service)s, %(environment)s, now() - interval '365 days', now(), 'month')"
    ),
}

ONE, TEN = ["service-007"], [f"service-{number:03}" for number in range(7, SERVICES, SERVICES // 10)]
PEOPLE = {
    "every service": (["*"], EVERYTHING | A_SERVICE),
    "one service": (ONE, EVERYTHING | A_SERVICE),
    "ten services": (TEN, EVERYTHING),
}
"""What the token of each says, and what each asks."""


def measure(people: str, pipeline: str, deployments: int, samples: int) -> list[Answers]:
    """Ask everything; the same parameters for everybody."""
    found: list[Answers] = []
    for who, (services, asked) in PEOPLE.items():
        with psycopg.connect(people, autocommit=True) as db:
            claims = json.dumps({"role": "authenticated", "app_metadata": {"lockgate_services": services}})
            db.execute("select set_config('request.jwt.claims', %s, false)", [claims])
            db.execute("set role authenticated")
            # As a REST API would hand it on: nobody reads the JSON here.
            db.adapters.register_loader("jsonb", TextLoader)
            found += _ask(db, (Question(who, *one) for one in asked.items()), deployments, samples, services[0])
    with psycopg.connect(pipeline, autocommit=True) as db:
        found += _ask(db, (Question("pipeline", *one) for one in PIPELINE.items()), deployments, samples, "*")
    return found


def _ask(
    db: "psycopg.Connection[Any]", asked: Iterable[Question], deployments: int, samples: int, only: str
) -> Iterator[Answers]:
    waiting = Waiting("thread-self", db.info.backend_pid)
    for question in asked:
        answers = Answers(question)
        draw = parameters(deployments, random.Random(7), only)
        for _ in range(samples):
            given = draw()
            rows = answers.time(partial(_rows, db, question.query, given), waiting)
            answers.rows = max(answers.rows, len(rows))
        explained = db.execute("explain (analyze, buffers) " + question.query, draw()).fetchall()
        answers.plan = [line for (line,) in explained]
        yield answers


def _rows(db: "psycopg.Connection[Any]", query: str, given: Parameters) -> list[Any]:
    return db.execute(query, given).fetchall()


def parameters(deployments: int, chance: random.Random, only: str) -> Callable[[], Parameters]:
    """Give what draws deployments that there are, of the one service where it is only that."""

    def draw() -> Parameters:
        number = chance.randrange(1, deployments)
        if only != "*":
            number = max(1, number - number % SERVICES + int(only[-3:]))
        return {
            "id": f"r{number:08}",
            "at": _at(number, deployments),
            "service": f"service-{number % SERVICES:03}",
            "environment": ["production", "staging", "test", "demo"][number % (SERVICES * 4) // SERVICES],
            "commit": _md5(f"commit{number}") + _md5(f"more{number}")[:8],
            "digest": f"sha256:{_md5(f'digest{number}')}{_md5(f'and{number}')}",
            "person": f"person-{number % 997}",
            "position": number * 10,
        }

    return draw


def _at(number: int, deployments: int) -> str:
    """Give about when it was; the id next to it makes the place exact enough for a page."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    return (datetime.now(UTC) - (deployments - number) * timedelta(days=365) / deployments).isoformat()


def _md5(text: str) -> str:
    from hashlib import md5  # noqa: PLC0415

    return md5(text.encode(), usedforsecurity=False).hexdigest()
