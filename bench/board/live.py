"""Thousands of open pages on one process while things happen: what each hears, how late, and what pages take."""

import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.board import process
from bench.board.account import Told, times
from bench.board.children import Child, child
from bench.board.database import Ledger, warmed
from lockgate.adapters.console import Console

CLIENTS, EVENTS = 5_000, 20
LATE, PAGE = 0.500, 0.200
"""The limits of an event at p99, and of a page at p95; seconds."""
ALL_LATE = 1.000
"""That of an event where every open page shows everything, which no rooms thin out."""
PEOPLE, THINK = 50, 1.0
EACH = 10
"""Open pages of one person; the board allows 50."""
EVERYTHING, A_SERVICE, A_PLACE = 0.2, 0.5, 0.3
"""What the open pages show, as shares: the first page or the history of all; what is of one service; of one place."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of one load of open pages."""

    told: Told
    heard: dict[str, Any]
    pages: dict[str, Any]
    wrote: dict[str, Any]
    opened: float
    """Seconds in which all of them were open."""
    memory: float
    used: float
    """Share of a core."""
    waited: float


def rooms(count: int, seed: int, share: float = EVERYTHING) -> list[str]:
    """Give the room of each page: so many of everything, the others of one service or place, by chance."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        service = f"service={_service(chance)}"
        environment = f"environment={chance.choice(('production', 'staging', 'test', 'demo'))}"
        part = number / count
        if part < share:
            found.append("")
        elif part < share + (1 - share) * A_SERVICE / (A_SERVICE + A_PLACE):
            found.append(service)
        else:
            found.append(f"{service}&{environment}")
    return found


def _service(chance: random.Random) -> str:
    """Give a service: half of what people look at is a tenth of them, as is half of what is deployed."""
    return f"service-{chance.randrange(50) if chance.random() < 0.5 else chance.randrange(500):03}"


def measure(console: Console, ledger: Ledger, folder: Path, seconds: float) -> bool:
    """Measure and tell; whether a limit was missed."""
    (port,) = process.ports(1)
    warmed(ledger)
    missed = False
    with process.provider(port) as provider:
        for share in (EVERYTHING, 1.0):
            with process.board(folder, port, provider.environment(ledger.board)) as board:
                cookies = provider.people(CLIENTS // EACH, few=False)
                console.step(
                    f"{CLIENTS:,} open pages, {share:.0%} of them show everything; {EVENTS} events a second and "
                    f"{PEOPLE} people for {seconds:.0f} s; load {os.getloadavg()[0]:.1f}"
                )
                found = _watch(ledger, board, (provider.url, port, cookies), rooms(CLIENTS, 1, share), seconds)
            missed |= _tell(console, share, found)
    return missed


def _watch(
    ledger: Ledger, board: process.Board, there: tuple[str, int, list[str]], wanted: list[str], seconds: float
) -> Watched:
    url, port, cookies = there
    first = head(ledger)
    job = {"host": "127.0.0.1", "port": port, "origin": url, "cookies": cookies, "head": first, "rooms": wanted}
    writing = {"dsn": ledger.pipeline, "rate": EVENTS, "seconds": seconds, "seed": 3, "run": f"{time.time():.0f}"}
    asking = {"url": url, "cookies": cookies[:PEOPLE], "deployments": ledger.deployments, "think": THINK, "seed": 4}
    with child("watchers", job) as watchers:
        opened = watchers.hear()["open"]
        before, used, began = board.waiting.so_far(), board.processor(), time.monotonic()
        with child("writer", writing) as writer, child("users", {**asking, "seconds": seconds}) as users:
            wrote, pages = writer.hear(), users.hear()
        took = time.monotonic() - began
        used, waited, memory = board.processor() - used, board.waiting.since(before), board.memory()
        heard = settled(ledger, watchers, first)
    return Watched(Told(*heard["told"]), heard, pages, wrote, opened, memory, used / took, waited / took)


def head(ledger: Ledger) -> str:
    """Give the cursor of the ledger's end."""
    with psycopg.connect(ledger.owner) as db:
        found = db.execute("select position, left(hash, 12) from public.deployment_chain").fetchone()
    assert found  # noqa: S101
    return f"{found[0]}.{found[1]}"


def settled(ledger: Ledger, watchers: Child, first: str, settle: float = 60.0) -> dict[str, Any]:
    """Tell the open pages what happened since a cursor, and give what they heard of it."""
    with psycopg.connect(ledger.owner) as db:
        events = db.execute(
            "select position, service, environment, rollout from public.deployment_events "
            "where position > %s order by position",
            [int(first.partition(".")[0])],
        ).fetchall()
    watchers.say({"events": events, "settle": settle})
    return watchers.hear()


def _tell(console: Console, share: float, found: Watched) -> bool:
    told, heard = found.told, found.heard
    took = times(one for each in found.pages["times"].values() for one in each)
    count, p95 = sum(len(each) for each in found.pages["times"].values()), took[1]
    delays = heard["delays"]
    console.table(
        f"{heard['clients']:,} open pages on one process, {share:.0%} of them show everything",
        ["what", "figure"],
        [
            ["opened in", f"{found.opened:.1f} s"],
            ["events", f"{found.wrote['events']:,}; the slowest was written in {found.wrote['slowest'] * 1000:.0f} ms"],
            ["event to client, p50 / p95 / p99 / longest", f"{_milliseconds(delays)} ms of {heard['heard']:,}"],
            ["lost / twice / out of order / not theirs", " / ".join(str(one) for one in heard["told"][1:])],
            ["connections that ended", f"{heard['ends']} {heard['codes'] or ''}"],
            ["pages p50 / p95 / p99 / longest", f"{' / '.join(f'{1000 * one:.0f}' for one in took)} ms"],
            ["requests", f"{count:,}; without a good answer: {dict(Counter(found.pages['wrong'])) or 0}"],
            ["memory of the board", f"{found.memory / 1e6:.0f} MB"],
            ["CPU of the board", f"{found.used:.0%} of a core; it waited {found.waited:.0%} of the time for others"],
            ["machine", f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"],
        ],
    )  # fmt: skip
    limit = ALL_LATE if share == 1 else LATE
    wrong = [
        text
        for bad, text in (
            (not told.whole, "an event was lost, or told twice, out of order or to somebody else"),
            (delays["99"] > limit * 1000, f"an event takes {delays['99']} ms at p99; {limit * 1000:.0f} are the limit"),
            (p95 > PAGE, f"a page takes {p95 * 1000:.0f} ms at p95, where {PAGE * 1000:.0f} are the limit"),
            (bool(found.pages["wrong"]), f"requests without a good answer: {found.pages['wrong']}"),
        )
        if bad
    ]  # fmt: skip
    for text in wrong:
        console.bad(text)
    if not wrong:
        console.good("every event came once, in order and in time, and pages did, too")
    return bool(wrong)


def _milliseconds(delays: dict[str, int]) -> str:
    return " / ".join(str(delays[percent]) for percent in ("50", "95", "99", "100"))
