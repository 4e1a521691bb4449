"""A strict load: keep-alive HTTP/1.1 workers and WebSocket clients against one URL. `python -m bench.load --help`."""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from urllib.parse import urljoin

from bench.http1 import Answer, Connection, RequestError
from bench.report import LoadReport, Second, Tally

REQUEST_SECONDS = 10.0
_AFTER_AN_ERROR = 0.05
"""A refused connection comes back in microseconds: without a pause, one dead second would count thousands of times."""
_FAR_BEHIND = 1.0


def is_ok(answer: Answer) -> bool:
    """Call 200 good, and nothing else."""
    return answer.status == 200


async def run_load(
    url: str,
    *,
    connections: int = 20,
    websockets: int = 0,
    websocket_path: str = "/ws",
    rate: float | None = None,
    seconds: float | None = None,
    stop: asyncio.Event | None = None,
    expect: Callable[[Answer], bool] = is_ok,
    timeout: float = REQUEST_SECONDS,
    on_second: Callable[[Second], None] | None = None,
) -> LoadReport:
    """Load `url` for `seconds`, or until `stop` is set, and report.

    `rate` is requests per second of all workers together; without it each asks again as soon as it is answered. What is
    under way at the end is still waited for. `on_second` gets the count of each second that has passed.
    """
    if stop is None:
        stop = asyncio.Event()
    if websockets:
        from bench.websockets import keep_echoing  # noqa: PLC0415 - aiohttp, only where WebSockets are asked for
    tally = Tally(time.monotonic)
    pace = _Pace(rate, stop)
    work: list[Awaitable[None]] = [_ask(url, tally, pace, expect, timeout) for _ in range(connections)]
    if websockets:
        work += [keep_echoing(urljoin(url, websocket_path), tally, stop, timeout) for _ in range(websockets)]
    clock = asyncio.create_task(_clock(tally, stop, seconds, on_second))
    try:
        await asyncio.gather(*work)
    finally:
        stop.set()
        await clock
    return tally.report()


class _Pace:
    """Hands out the moments at which requests are due, evenly."""

    def __init__(self, rate: float | None, stop: asyncio.Event) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._stop = stop
        self._due = time.monotonic()

    async def turn(self) -> bool:
        """Wait until the next request is due; False means that the load has ended."""
        if self._interval:
            now = time.monotonic()
            # After a stall the missed requests are not all sent at once.
            self._due = max(self._due + self._interval, now - _FAR_BEHIND)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), max(0.0, self._due - now))
        return not self._stop.is_set()


async def _ask(url: str, tally: Tally, pace: _Pace, expect: Callable[[Answer], bool], timeout: float) -> None:
    connection = Connection(url)
    try:
        while await pace.turn():
            sent = time.monotonic()
            try:
                answer = await connection.ask(timeout)
            except RequestError as error:
                tally.failed(str(error))
                await asyncio.sleep(_AFTER_AN_ERROR)
            else:
                tally.answered(sent, answer.version, good=expect(answer))
    finally:
        await connection.close()


async def _clock(
    tally: Tally, stop: asyncio.Event, seconds: float | None, on_second: Callable[[Second], None] | None
) -> None:
    end = tally.started + seconds if seconds is not None else float("inf")
    passed = 0
    while not stop.is_set() and (now := time.monotonic()) < end:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(tally.started + passed + 1, end) - now)
        while on_second is not None and time.monotonic() >= tally.started + passed + 1:
            on_second(tally.second(tally.started + passed))
            passed += 1
        passed = int(time.monotonic() - tally.started)
    stop.set()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a load from the command line; end with 1 where a request got no answer or a bad one."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=20, metavar="N")
    parser.add_argument("--websockets", type=int, default=0, metavar="N")
    parser.add_argument("--websocket-path", default="/ws", metavar="PATH")
    parser.add_argument("--rate", type=float, metavar="R", help="requests per second in all (default: flat out)")
    parser.add_argument("--seconds", type=float, metavar="S", help="default: until a signal")
    parser.add_argument("--contains", default="", metavar="TEXT", help="a good answer is 200 and holds this")
    parser.add_argument("--json", action="store_true", help='a line for each second, then {"report": ...}')
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the program that started this")
    parsed = parser.parse_args(arguments)
    report = asyncio.run(_run(parsed))
    if parsed.json:
        print(json.dumps({"report": report.to_dict()}), flush=True)
    else:
        _tell(report)
    return 1 if report.failed or report.bad or report.websockets.closed or report.websockets.refused else 0


def _until_closed(descriptor: int, stop: asyncio.Event) -> None:
    if not os.read(descriptor, 4096):
        stop.set()


async def _run(parsed: argparse.Namespace) -> LoadReport:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if parsed.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _until_closed, sys.stdin.fileno(), stop)
    wanted = parsed.contains.encode()
    return await run_load(
        parsed.url,
        connections=parsed.connections,
        websockets=parsed.websockets,
        websocket_path=parsed.websocket_path,
        rate=parsed.rate,
        seconds=parsed.seconds,
        stop=stop,
        expect=lambda answer: is_ok(answer) and wanted in answer.body,
        on_second=(lambda second: print(json.dumps(second.to_dict()), flush=True)) if parsed.json else None,
    )


def _tell(report: LoadReport) -> None:
    sockets = report.websockets
    good = f"{report.ok} ok, {report.bad} bad, {report.failed} failed"
    times = f"p50 {report.p50 * 1e3:.1f} ms, p99 {report.p99 * 1e3:.1f} ms"
    print(f"{report.requests} requests in {report.seconds:.1f} s: {good}")
    print(f"answered by {report.by_version}; bad from {report.bad_by_version}; errors {report.errors}")
    print(f"{times}, longest stall {report.longest_stall * 1e3:.0f} ms")
    print(f"WebSockets: {sockets.opened} opened, {sockets.refused} refused, {sockets.closed} closed")


if __name__ == "__main__":
    raise SystemExit(main())
