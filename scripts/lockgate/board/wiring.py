"""One board, wired: what every page and endpoint works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request

from lockgate.board.api.repeats import Repeats
from lockgate.board.door import Door
from lockgate.board.known import Known
from lockgate.board.live.hub import Hub
from lockgate.board.prometheus import Meters
from lockgate.board.settings import Settings
from lockgate.core.board.audit import Audit
from lockgate.core.board.rows import BoardStore
from lockgate.core.board.shared import Shared
from lockgate.core.board.waiting import Approvals, Dispatch


@dataclass(slots=True)
class Board:
    """What the application is made of."""

    settings: Settings
    store: BoardStore
    known: Known
    door: Door
    hub: Hub
    meters: Meters
    now: Callable[[], datetime]
    repeats: Repeats
    approvals: Approvals | None = None
    dispatch: Dispatch | None = None
    audit: Audit | None = None
    shared: Shared | None = None
    """What the replicas have in common, where there are several."""


def board_of(connection: HTTPConnection) -> Board:
    """Give the board that a request was made to."""
    found: Board = connection.app.state.board
    return found


def rollout_of(request: Request) -> str:
    """Give the rollout that an address names; raise HTTPException where none can be called that."""
    name: str = request.path_params["rollout"]
    if not name.isprintable():
        raise HTTPException(404, "No rollout can be called that.")
    return name
