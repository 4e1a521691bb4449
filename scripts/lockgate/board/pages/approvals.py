"""What waits for a person: runs of the pipeline, and releases that could go on."""

from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.door import viewer_of
from lockgate.board.health import GITHUB_SECONDS
from lockgate.board.pages.shown import page
from lockgate.board.wiring import board_of
from lockgate.core.board.overview import overview
from lockgate.errors import LockgateError


async def approvals(request: Request) -> Response:
    """Show runs that wait on GitHub, rollouts that hold, and what an environment has that the next one has not."""
    board, viewer = board_of(request), viewer_of(request)
    serving = await board.known.ask(("serving", viewer), lambda: board.store.serving(viewer))
    under_way = await board.known.ask(("open", viewer), lambda: board.store.open(viewer))
    waiting, problem = [], ""
    if board.approvals is not None:
        try:
            told = await board.known.ask(("approvals",), board.approvals.waiting, GITHUB_SECONDS)
            waiting, problem = list(told.value), told.problem.what if told.problem else ""
        except LockgateError as error:
            problem = error.what
    cells = [(row.service, cell) for row in overview(serving.value, under_way.value) for cell in row.cells]
    return page(
        request,
        "approvals.html",
        serving if serving.problem else under_way,
        asked=board.approvals is not None,
        waiting=waiting,
        problem=problem,
        ready=[(service, cell) for service, cell in cells if cell.behind and cell.behind.verified and not cell.open],
    )
