"""What waits for a person: runs of the pipeline, and releases that could go on."""

from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.door import viewer_of
from lockgate.board.health import GITHUB_SECONDS
from lockgate.board.pages.shown import page
from lockgate.board.places import places
from lockgate.board.wiring import board_of
from lockgate.errors import LockgateError

MOST = 100
"""Releases that could go on, on one page."""


async def approvals(request: Request) -> Response:
    """Show runs that wait on GitHub, rollouts that hold, and what an environment has that the next one has not."""
    board = board_of(request)
    there = await places(request)
    find = request.query_params.get("find", "").strip().lower()[:100]
    waiting, problem = [], ""
    # GitHub does not say of which service a run is: they are all of the one whose pipeline this is.
    theirs = viewer_of(request).sees(board.settings.service)
    if board.approvals is not None and theirs:
        try:
            told = await board.known.ask(("approvals",), board.approvals.waiting, GITHUB_SECONDS)
            waiting, problem = list(told.value), told.problem.what if told.problem else ""
        except LockgateError as error:
            problem = error.what
    ready = [(service, cell) for service, cell in there.value.ready if find in service.lower()]
    return page(
        request,
        "approvals.html",
        there,
        theirs=theirs,
        asked=board.approvals is not None,
        waiting=waiting,
        problem=problem,
        ready=ready[:MOST],
        more=len(ready) - MOST,
        find=find,
    )
