"""Whether the board grows: its memory while people ask and pages hear what happens, and the slope of it."""

import os
import time
from pathlib import Path

from bench.board import process
from bench.board.account import slope
from bench.board.children import child
from bench.board.database import Ledger
from bench.board.live import EACH, PEOPLE, THINK, head, rooms
from lockgate.adapters.console import Console

CLIENTS, EVENTS = 500, 5
WARM = 0.3
"""The share of the time in which it may still fill what it remembers."""
GROWTH = 0.01
"""A minute, of what it has: what is less is what an allocator does."""
EVERY = 1.0


def measure(console: Console, ledger: Ledger, folder: Path, minutes: float) -> bool:
    """Measure and tell; whether it grows."""
    (port,) = process.ports(1)
    seconds = minutes * 60
    with process.provider(port) as provider, process.board(folder, port, provider.environment(ledger.board)) as board:
        cookies = provider.people(max(PEOPLE, CLIENTS // EACH), few=False)
        console.step(f"{PEOPLE} people, {CLIENTS} open pages and {EVENTS} events a second for {minutes:g} min")
        job = {"host": "127.0.0.1", "port": port, "origin": provider.url, "cookies": cookies, "head": head(ledger),
               "rooms": rooms(CLIENTS, 7)}  # fmt: skip
        writing = {"dsn": ledger.pipeline, "rate": EVENTS, "seconds": seconds, "seed": 8, "run": f"m{time.time():.0f}"}
        asking = {"url": provider.url, "cookies": cookies[:PEOPLE], "deployments": ledger.deployments, "seed": 9}
        with child("watchers", job) as watchers:
            watchers.hear()
            with child("writer", writing), child("users", {**asking, "think": THINK, "seconds": seconds}):
                points = _sampled(board, seconds)
    late = [one for one in points if one[0] >= seconds * WARM]
    grows = slope(late) * 60
    share = grows / late[-1][1]
    console.table(
        f"Memory over {minutes:g} minutes",
        ["what", "figure"],
        [
            ["at the beginning / at the end / most", " / ".join(
                f"{one / 1e6:.0f}" for one in (points[0][1], points[-1][1], max(size for _, size in points))) + " MB"],
            [f"slope after the first {WARM:.0%}", f"{grows / 1e6:+.2f} MB a minute, {share:+.2%}"],
            ["machine", f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"],
        ],
    )  # fmt: skip
    if share > GROWTH:
        console.bad(f"it grows by {share:.2%} a minute; {GROWTH:.0%} is the limit")
        return True
    console.good("it does not grow")
    return False


def _sampled(board: process.Board, seconds: float) -> list[tuple[float, float]]:
    began = time.monotonic()
    points = []
    while (now := time.monotonic() - began) < seconds:
        points.append((now, board.memory()))
        time.sleep(EVERY)
    return points
