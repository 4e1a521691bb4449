"""The live feed by WebSocket: `/live?after=CURSOR&service=...&environment=...&rollout=...`."""

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from lockgate.board.door import viewer_of
from lockgate.board.live.framed import offer_of
from lockgate.board.live.rooms import Room
from lockgate.board.live.watcher import Watcher
from lockgate.board.wiring import board_of
from lockgate.errors import StateError

MANY = 4429
"""Close code: this person has as many live connections as one may; as HTTP's 429."""
LATER = 1013
"""Close code: try again later (RFC 6455 and the IANA registry)."""


async def live(socket: WebSocket) -> None:
    """Send events until the client goes. What it says is not listened to; saying much ends it."""
    board = board_of(socket)
    if socket.headers.get("origin") not in board.settings.origins:
        # Cookies go with a handshake from any page, so only our own pages may make one. Before accept: HTTP 403.
        await socket.close()
        return
    await socket.accept()
    viewer = viewer_of(socket)
    if board.hub.of(viewer.person) >= board.settings.watchers_each:
        await socket.close(MANY, "too many live connections of yours")
        return
    if board.hub.watchers >= board.settings.watchers:
        await socket.close(LATER, "too many are watching")
        return
    gone = asyncio.Event()
    room, offer = Room.of(socket.query_params, viewer), offer_of(socket.scope)
    watcher = Watcher(room, socket.send_text, gone.set, viewer.person, offer)
    try:
        await board.hub.join(watcher, socket.query_params.get("after", ""))
        await _until_it_goes(socket, gone)
    except StateError:
        await socket.close(LATER, "the ledger is away")
    except WebSocketDisconnect:
        pass
    finally:
        board.hub.leave(watcher)


async def _until_it_goes(socket: WebSocket, gone: asyncio.Event) -> None:
    dropped = asyncio.ensure_future(gone.wait())
    try:
        while not gone.is_set():
            heard = asyncio.ensure_future(socket.receive_text())
            done, _ = await asyncio.wait({heard, dropped}, return_when=asyncio.FIRST_COMPLETED)
            if heard in done:
                heard.result()
            else:
                heard.cancel()
        await socket.close(LATER, "too slow")
    finally:
        dropped.cancel()
