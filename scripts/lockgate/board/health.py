"""How the board is: alive, ready, each part with its state and time. Cheap enough for ten probes a second."""

import resource
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from lockgate import __version__
from lockgate.board.prometheus import TYPE
from lockgate.board.wiring import Board, board_of
from lockgate.core.board.shared import AwayError
from lockgate.errors import GitHubError, StateError

OK, DEGRADED, DOWN, OFF = "ok", "degraded", "down", "off"
SECONDS = 1.0
"""A component is asked at most once in this time, however often the board is probed."""
GITHUB_SECONDS = 30.0
_LOW_DISK = 50_000_000
_KIB = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Component:
    """One part, as it was when it was last asked."""

    state: str
    detail: str = ""
    milliseconds: float = 0.0
    """What the question took."""


async def livez(_request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """It can show something: the ledger answers."""
    database = await _database(board_of(request))
    return PlainTextResponse(f"{database.state}\n", 503 if database.state == DOWN else 200)


async def health(request: Request) -> Response:
    """Every component. 503 where the ledger is away; a part that the pages can do without only degrades it."""
    board = board_of(request)
    parts = {
        "database": await _database(board),
        "live": await _timed(lambda: _live(board)),
        "github": await _github(board),
        "cache": await _timed(lambda: _cache(board)),
        "disk": await _timed(_disk),
        "memory": await _timed(_memory),
    }
    down = parts["database"].state == DOWN
    degraded = any(part.state in {DOWN, DEGRADED} for part in parts.values())
    body: dict[str, Any] = {
        "status": DOWN if down else DEGRADED if degraded else OK,
        "version": __version__,
        "time": board.now().isoformat(timespec="milliseconds"),
        "components": {
            name: {"state": part.state, "detail": part.detail, "milliseconds": round(part.milliseconds, 3)}
            for name, part in parts.items()
        },
    }
    return JSONResponse(body, 503 if down else 200)


async def metrics(request: Request) -> Response:
    """What Prometheus scrapes."""
    return Response(board_of(request).meters.text(), media_type=TYPE)


def add_gauges(board: Board) -> None:
    """Let the meters read the parts of a board."""
    hub, known = board.hub, board.known
    board.meters.gauges |= {
        "info": (f"Version {__version__}.", lambda: 1),
        "watchers": ("Live connections.", lambda: hub.watchers),
        "events_total": ("Events of the ledger that went through the live feed.", lambda: hub.heard),
        "frames_total": ("Frames sent to live connections.", lambda: hub.sent),
        "dropped_total": ("Live connections that were too slow and were told to come again.", lambda: hub.dropped),
        "ledger_position": ("The last position of the ledger that was read.", lambda: hub.head.position),
        "ledger_up": ("Whether the ledger answers.", lambda: 0 if known.problem else 1),
        "cache_hits_total": ("Answers given from memory.", lambda: known.hits),
        "cache_misses_total": ("Questions put to the ledger.", lambda: known.misses),
        "spans_total": ("Spans of its traces that a collector took.", lambda: known.traces.sent),
        "spans_lost_total": ("Spans that no collector took.", lambda: known.traces.lost),
        "resident_bytes": ("Memory in use.", _resident),
    }


async def _database(board: Board) -> Component:
    started = time.perf_counter()
    try:
        answer = await board.known.ask(("health",), board.store.head, SECONDS)
    except StateError as error:
        return Component(DOWN, error.what, _since(started))
    if answer.problem:
        return Component(DOWN, answer.problem.what, _since(started))
    return Component(OK, f"position {answer.value.position}", _since(started))


async def _github(board: Board) -> Component:
    if board.approvals is None:
        return Component(OFF, "no token")
    started = time.perf_counter()
    try:
        found = await board.known.ask(("approvals",), board.approvals.waiting, GITHUB_SECONDS)
    except (GitHubError, StateError) as error:
        return Component(DEGRADED, error.what, _since(started))
    return Component(OK, f"{len(found.value)} waiting", _since(started))


async def _timed(look: Callable[[], Component | Awaitable[Component]]) -> Component:
    started = time.perf_counter()
    found = look()
    part = found if isinstance(found, Component) else await found
    return Component(part.state, part.detail, _since(started))


def _live(board: Board) -> Component:
    hub = board.hub
    state = OK if hub.source_problem == "" else DEGRADED
    return Component(state, hub.source_problem or f"{hub.watchers} watching at {hub.head}")


async def _cache(board: Board) -> Component:
    known = board.known
    if (shared := board.shared) is None:
        return Component(OK, f"in this process, {known.hits} of {known.hits + known.misses} answers")
    with suppress(AwayError):
        await shared.ping()
    if shared.problem:
        return Component(DEGRADED, f"{shared.problem}; each replica is for itself")
    return Component(OK, f"Redis, {known.answers.hits if known.answers else 0} answers of other replicas")


def _disk() -> Component:
    try:
        free = shutil.disk_usage("/tmp").free  # noqa: S108 - only asked how full it is
    except OSError as error:
        return Component(OFF, str(error))
    return Component(OK if free > _LOW_DISK else DEGRADED, f"{free / 1e6:.0f} MB free")


def _memory() -> Component:
    return Component(OK, f"{_resident() / 1e6:.0f} MB")


def _resident() -> float:
    """Give the memory in use; where the system does not say that, the most there has been."""
    try:
        return float(int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize())
    except (OSError, ValueError, IndexError):
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
