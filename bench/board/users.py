"""People at the board, as a process of their own: `python -m bench.board.users` takes a job and gives what came of it.

Each has a session and a connection, asks, waits for the whole answer, and thinks for a time that is drawn from an
exponential distribution. With no time to think it is a closed loop, which measures how much the board can take, and its
times are those of a queue.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from bench.board import starts
from bench.board.asked import ADDRESSES, STARTS, choice, draws
from bench.http1 import Connection, RequestError

Job = dict[str, Any]
SECONDS = 20.0
"""For one answer."""
PATIENCE = 4.0
"""Seconds after which a connection is not used again: the board closes one after five, which a browser notices."""
GOOD = {200, 202}
NOT_MINE = 404
"""Somebody who sees ten services asks for a rollout of another one."""


async def work(job: Job) -> dict[str, Any]:
    """Do a job: `url`, `cookies` of the people, `seconds`, `think` (mean, in seconds), `deployments`, `seed`.

    With `tokens`, one for each of them, a program asks for deployments in their place.
    """
    times: dict[str, list[float]] = defaultdict(list)
    wrong: Counter[str] = Counter()
    end = time.monotonic() + job["seconds"]
    await asyncio.gather(
        *(_person(job, number, end, lambda name, took: times[name].append(took), wrong)
          for number in range(len(job["cookies"])))
    )  # fmt: skip
    return {"times": times, "wrong": wrong}


async def _person(job: Job, number: int, end: float, took: Callable[[str, float], None], wrong: Counter[str]) -> None:
    chance = random.Random(f"{job['seed']} {number}")
    draw, choose = draws(job["deployments"], chance), choice(chance, starting="tokens" in job)
    connection = Connection(job["url"])
    headers = {"Cookie": job["cookies"][number], "X-Forwarded-For": f"10.1.{number // 200}.{number % 200}"}
    await asyncio.sleep(chance.uniform(0, job["think"]))
    while time.monotonic() < end:
        name = choose()
        target = ADDRESSES[name][1](draw())
        asked = starts.request(job["tokens"][number]) if name == STARTS else (headers, b"")
        began = time.perf_counter()
        try:
            answer = await connection.ask(SECONDS, target, *asked)
        except RequestError as error:
            wrong[f"{name}: {error}"] += 1
        else:
            if answer.status in GOOD or (answer.status == NOT_MINE and "ID" in name):
                took(name, time.perf_counter() - began)
            else:
                wrong[f"{name}: status {answer.status}"] += 1
        if job["think"]:
            pause = min(chance.expovariate(1 / job["think"]), max(0.0, end - time.monotonic()))
            if pause > PATIENCE:
                await connection.close()
            await asyncio.sleep(pause)
    await connection.close()


async def each_once(job: Job) -> dict[str, Any]:
    """Ask for each address once, one after the other, as one person."""
    times, wrong = {}, Counter[str]()
    draw = draws(job["deployments"], random.Random(job["seed"]))
    connection = Connection(job["url"])
    for name, (_, address) in ADDRESSES.items():
        asked = starts.request(job["tokens"][0]) if name == STARTS else ({"Cookie": job["cookies"][0]}, b"")
        began = time.perf_counter()
        try:
            answer = await connection.ask(SECONDS, address(draw()), *asked)
        except RequestError as error:
            wrong[f"{name}: {error}"] += 1
            continue
        times[name] = [time.perf_counter() - began]
        if answer.status not in GOOD:
            wrong[f"{name}: status {answer.status}"] += 1
    await connection.close()
    return {"times": times, "wrong": wrong}


def main() -> int:
    """Read a job from standard input."""
    job = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(each_once(job) if job.get("once") else work(job))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
