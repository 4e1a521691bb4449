"""The question that most pages begin with: what serves where."""

from starlette.requests import Request

from lockgate.board.door import eyes_of
from lockgate.board.known import Answer
from lockgate.board.wiring import board_of
from lockgate.core.board.places import Places


async def places(request: Request) -> Answer[Places]:
    """Give every place that the viewer sees. With thousands of them it is put together in a thread, once for all."""
    board, eyes = board_of(request), eyes_of(request)
    return await board.known.ask(("places", eyes), lambda: Places.of(board.store.serving(eyes), board.store.open(eyes)))
