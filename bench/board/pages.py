"""Every page and every call of the API, under 50 people at once."""

import os
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.board import process
from bench.board.account import times
from bench.board.asked import ADDRESSES
from bench.board.children import child
from bench.board.database import Ledger, restarted, warmed
from bench.board.starts import WORDS, starts
from lockgate.adapters.console import Console

LIMIT, AIM = 0.200, 0.050
PEOPLE = 50
THINK = 1.0
"""Seconds between an answer and the next question, on average. Somebody who reads takes ten times as long, so 50 such
people ask as much as 500 who read."""
RATE = 1
"""Events a second meanwhile: three times what a year of 10,000,000 has. Each makes the board forget its answers."""
COLD = 5


def measure(console: Console, ledger: Ledger, folder: Path, seconds: float) -> bool:
    """Measure and tell; whether a limit was missed."""
    (port,) = process.ports(1)
    with process.provider(port) as provider, starts(PEOPLE) as programs:
        environment = {**provider.environment(ledger.board), **programs.environment}
        tokens = list(programs.tokens)
        cold = _cold(console, ledger, folder, (port, provider, environment, tokens))
        warmed(ledger)
        with process.board(folder, port, environment, WORDS) as board:
            cookies = provider.people(PEOPLE)
            console.step(f"{PEOPLE} people for {seconds:.0f} s, {RATE} event a second; load {_load()}")
            job = {"url": provider.url, "cookies": cookies, "deployments": ledger.deployments, "tokens": tokens}
            writing = {"dsn": ledger.pipeline, "rate": RATE, "seconds": seconds + 10, "seed": 1, "run": "pages"}
            with child("writer", writing):
                with child("users", {**job, "seconds": 10, "think": THINK, "seed": 0}) as users:
                    users.hear()  # to be warm
                before, used, began = board.waiting.so_far(), board.processor(), time.monotonic()
                with child("users", {**job, "seconds": seconds, "think": THINK, "seed": 1}) as users:
                    warm = users.hear()
                took = time.monotonic() - began
                waited, used = board.waiting.since(before), board.processor() - used
            console.step(f"the same with no time to think; load {_load()}")
            with child("users", {**job, "seconds": min(20, seconds), "think": 0, "seed": 2}) as users:
                full = users.hear()
    return _tell(console, (cold, warm, full), (took, waited, used, min(20, seconds)))


def _cold(
    console: Console, ledger: Ledger, folder: Path, there: tuple[int, process.Provider, dict[str, str], list[str]]
) -> dict[str, list[float]]:
    """Ask for each address once, of a board and a database that were just started and have read nothing."""
    port, provider, environment, tokens = there
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(COLD):
        restarted(ledger)
        with process.board(folder, port, environment, WORDS):
            job = {
                "url": provider.url,
                "cookies": provider.people(1),
                "deployments": ledger.deployments,
                "tokens": tokens,
            }
            with child("users", {**job, "tokens": tokens, "once": True, "seed": number}) as users:
                heard = users.hear()
        for name, took in heard["times"].items():
            found[name] += took
        if heard["wrong"]:
            console.warn(f"cold: {heard['wrong']}")
    return found


def _tell(
    console: Console, found: tuple[dict[str, list[float]], dict[str, Any], dict[str, Any]], spent: Sequence[float]
) -> bool:
    (cold, warm, full), (took, waited, used, fully) = found, spent
    rows, slow = [], []
    everything = [one for each in warm["times"].values() for one in each]
    for name in (*ADDRESSES, ""):
        measured = warm["times"].get(name, []) if name else everything
        p50, p95, p99, longest = times(measured)
        first = cold.get(name, [])
        rows.append(
            [name or "all of them", str(len(measured)), *(f"{one * 1000:.1f}" for one in (p50, p95, p99, longest)),
             f"{statistics.median(first) * 1000:.0f} / {max(first) * 1000:.0f}" if first else ""]
        )  # fmt: skip
        if p95 > LIMIT:
            slow.append(f"{name or 'all of them'}: {p95 * 1000:.0f} ms at p95, where {LIMIT * 1000:.0f} are the limit")
    title = f"{PEOPLE} people, each asks {1 / THINK:g} times a second; milliseconds"
    console.table(title, ["asked for", "times", "p50", "p95", "p99", "longest", "cold: median / longest"], rows)
    count = len(everything)
    p50, p95, p99, _ = times(one for each in full["times"].values() for one in each)
    answered = sum(len(each) for each in full["times"].values())
    console.table(
        "The process",
        ["what", "figure"],
        [
            ["requests a second, 50 people", f"{count / took:.1f}"],
            ["CPU of the board", f"{used / took:.0%} of a core, {used / count * 1000:.1f} ms a request"],
            ["it waited for a CPU that others had", f"{waited / took:.0%} of the time"],
            ["requests a second with no time to think", f"{answered / fully:.1f}"],
            ["p50 / p95 / p99 then", f"{p50 * 1000:.0f} / {p95 * 1000:.0f} / {p99 * 1000:.0f} ms"],
            ["machine", f"{os.cpu_count()} cores, load {_load()}"],
        ],
    )
    wrong = Counter(warm["wrong"]) + Counter(full["wrong"])
    for text in [*slow, *(f"{number} times {name}" for name, number in wrong.items())]:
        console.bad(text)
    if not slow and not wrong:
        console.good(f"everything is answered in {LIMIT * 1000:.0f} ms at p95")
    return bool(slow or wrong)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"
