"""The first page: what serves where, and what is under way."""

import asyncio
from collections.abc import Sequence

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.pages.shown import page, part
from lockgate.board.places import places
from lockgate.board.wiring import board_of
from lockgate.core.board.overview import ServiceRow
from lockgate.core.board.places import Places

SERVICES = 100
"""Services on one page."""
KEPT = 50
"""Drawings that are kept; after a second, or an event, there are new places and none of them is."""


async def environments(request: Request) -> Response:
    """Show every place, by service. `?find=` narrows it by name, `?after=` goes on after a service."""
    told = await places(request)
    find = request.query_params.get("find", "").strip().lower()[:100]
    after = request.query_params.get("after", "")
    rows = [row for row in told.value.rows if find in row.service.lower()]
    left = [row for row in rows if row.service > after]
    return page(
        request,
        "environments.html",
        told,
        services=await _drawn(request, told.value, (find, after), left[:SERVICES]),
        more=left[SERVICES - 1].service if len(left) > SERVICES else "",
        total=len(rows),
        find=find,
    )


async def _drawn(request: Request, there: Places, asked: tuple[str, str], rows: Sequence[ServiceRow]) -> Markup:
    """Draw the services once for all who ask the same of these places: hundreds of cells take 20 ms, in a thread."""
    if not rows:
        return Markup()
    board, drawing = board_of(request), there.made.get(asked)
    if drawing is None:
        drawing = asyncio.ensure_future(board.known.run(lambda: part("services.html", rows=rows, now=board.now())))
        if len(there.made) < KEPT:
            there.made[asked] = drawing
    found: Markup = await asyncio.shield(drawing)
    return found
