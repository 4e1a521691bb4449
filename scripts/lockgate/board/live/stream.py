"""The live feed as server-sent events, where no WebSocket gets through: `/events`, same rooms, same cursors."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lockgate.board.door import viewer_of
from lockgate.board.live.rooms import Room
from lockgate.board.live.watcher import Watcher
from lockgate.board.wiring import Board, board_of
from lockgate.errors import StateError

WAITING = 100
"""Frames that may wait for a slow client."""
PING = 15.0
RETRY = 3000
"""Milliseconds after which a browser comes back."""
HEADERS = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would keep the events back until its buffer is full
}


async def events(request: Request) -> Response:
    """Stream events. A browser names the last one it had by itself, in Last-Event-ID."""
    board = board_of(request)
    if board.hub.watchers >= board.settings.watchers:
        return Response(status_code=503, headers={"Retry-After": "10"})
    viewer = viewer_of(request)
    if board.hub.of(viewer.person) >= board.settings.watchers_each:
        return Response(status_code=429, headers={"Retry-After": "30"})
    after = request.headers.get("last-event-id") or request.query_params.get("after", "")
    room = Room.of(request.query_params, viewer)
    return StreamingResponse(
        _stream(board, room, after, viewer.person), media_type="text/event-stream", headers=HEADERS
    )


async def _stream(board: Board, room: Room, after: str, person: str) -> AsyncIterator[str]:
    queue: asyncio.Queue[str | None] = asyncio.Queue(WAITING)

    async def send(text: str) -> None:
        queue.put_nowait(text)

    def drop() -> None:
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(None)

    watcher = Watcher(room, send, drop, person)
    yield f"retry: {RETRY}\n\n"
    try:
        await board.hub.join(watcher, after)
        while True:
            try:
                async with asyncio.timeout(PING):
                    text = await queue.get()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if text is None:
                return
            yield _event(text)
    except StateError:
        return
    finally:
        board.hub.leave(watcher)


def _event(text: str) -> str:
    """Write a frame with its cursor as the id."""
    _, _, rest = text.partition('"head": "')
    head = rest.partition('"')[0]
    return f"id: {head}\ndata: {text}\n\n" if head else f"data: {text}\n\n"
