"""The application: every route, and what stands before them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from lockgate.board import health
from lockgate.board.api import badges, deployments, openapi
from lockgate.board.auth.door import SignInDoor
from lockgate.board.auth.guard import Guard
from lockgate.board.auth.routes import Ways
from lockgate.board.door import Admission
from lockgate.board.garbage import Garbage
from lockgate.board.hardening.headers import SecurityHeaders
from lockgate.board.hardening.limits import Limits
from lockgate.board.hardening.request_log import RequestLog
from lockgate.board.live.socket import live
from lockgate.board.live.stream import events
from lockgate.board.pages import errors
from lockgate.board.pages.approvals import approvals
from lockgate.board.pages.compare import compare
from lockgate.board.pages.delivery import delivery
from lockgate.board.pages.environments import environments
from lockgate.board.pages.history import history
from lockgate.board.pages.rollout import rollout
from lockgate.board.wiring import Board
from lockgate.core.chart_style import STYLE

STATIC = Path(__file__).with_name("static")


def create_app(board: Board, log: Callable[[str], None], least: int = 0) -> Starlette:
    """Make the application of one board; `log` takes one line for each request whose status is `least` or higher."""
    health.add_gauges(board)
    signs_in = board.door if isinstance(board.door, SignInDoor) else None
    app = Starlette(
        routes=[*routes(), *(Ways(signs_in).routes() if signs_in else ())],
        # From the outside in. What is refused has the headers and a line in the log, too.
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(RequestLog, meters=board.meters, write=log, traces=board.known.traces, least=least),
            Middleware(Limits, settings=board.settings),
            Middleware(Admission, door=board.door, head=lambda: str(board.hub.head)),
            *([Middleware(Guard, door=signs_in)] if signs_in else []),
        ],
        exception_handlers=errors.HANDLERS,
        lifespan=_lifespan,
    )
    app.state.board = board
    return app


def routes() -> list[BaseRoute]:
    """Give every route."""
    return [
        Route("/livez", health.livez),
        Route("/readyz", health.readyz),
        Route("/health", health.health),
        Route("/metrics", health.metrics),
        Route("/", environments),
        Route("/history", history),
        Route("/delivery", delivery),
        Route("/approvals", approvals),
        Route("/compare", compare),
        Route("/rollouts/{rollout}", rollout),
        Route("/api/deployments", deployments.listed),
        Route("/api/deployments", deployments.create, methods=["POST"]),
        Route("/api/deployments/{rollout}", deployments.one),
        Route("/api/environments", deployments.environments),
        Route("/api/openapi.json", openapi.show),
        Route("/badge/{service}/{environment:path}.svg", badges.show),
        WebSocketRoute("/live", live),
        Route("/events", events),
        Route("/static/charts.css", charts),
        Mount("/static", StaticFiles(directory=STATIC), name="static"),
    ]


async def charts(_request: Request) -> Response:
    """The colours of charts, which are drawn by the same code wherever they appear."""
    return Response(STYLE, media_type="text/css")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Follow the ledger as long as the application runs."""
    board: Board = app.state.board
    traces = board.known.traces
    hub = board.hub
    garbage = Garbage(lambda: hub.watchers, lambda: hub.ended)
    following = [asyncio.create_task(hub.run(), name="live feed"), asyncio.create_task(garbage.run(), name="garbage")]
    if traces.records:
        following.append(asyncio.create_task(traces.run(), name="traces"))
    try:
        yield
    finally:
        for task in following:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await hub.close()
        if board.shared is not None:
            await board.shared.close()
        board.known.close()
        await asyncio.to_thread(board.store.close)
