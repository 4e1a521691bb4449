"""The first page: what serves where, and what is under way."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.door import viewer_of
from lockgate.board.pages.shown import page
from lockgate.board.wiring import board_of
from lockgate.core.board.overview import overview

SERVICES = 100
"""Services on one page."""


async def environments(request: Request) -> Response:
    """Show every place, by service. `?find=` narrows it by name, `?after=` goes on after a service."""
    board, viewer = board_of(request), viewer_of(request)
    serving, under_way = await asyncio.gather(
        board.known.ask(("serving", viewer), lambda: board.store.serving(viewer)),
        board.known.ask(("open", viewer), lambda: board.store.open(viewer)),
    )
    find = request.query_params.get("find", "").strip().lower()[:100]
    after = request.query_params.get("after", "")
    rows = [row for row in overview(serving.value, under_way.value) if find in row.service.lower()]
    left = [row for row in rows if row.service > after]
    return page(
        request,
        "environments.html",
        serving if serving.problem else under_way,
        rows=left[:SERVICES],
        more=left[SERVICES - 1].service if len(left) > SERVICES else "",
        total=len(rows),
        find=find,
    )
