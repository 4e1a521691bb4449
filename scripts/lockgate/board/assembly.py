"""Put a board together."""

from lockgate.adapters.clock import Clock
from lockgate.board.api.repeats import Repeats, RepeatsInMemory
from lockgate.board.door import Door, OpenDoor
from lockgate.board.known import Known
from lockgate.board.live.hub import Hub, Wake
from lockgate.board.prometheus import Meters
from lockgate.board.settings import Settings
from lockgate.board.wiring import Board
from lockgate.core.board.audit import Audit
from lockgate.core.board.rows import BoardStore
from lockgate.core.board.waiting import Approvals, Dispatch


def assemble(
    settings: Settings,
    store: BoardStore,
    wake: Wake,
    clock: Clock,
    *,
    door: Door | None = None,
    approvals: Approvals | None = None,
    dispatch: Dispatch | None = None,
    repeats: Repeats | None = None,
    audit: Audit | None = None,
) -> Board:
    """Give a board with everything in its place. Without a door everybody who reaches it is let in."""
    known = Known(clock.monotonic, settings.cache_seconds)
    return Board(
        settings=settings,
        store=store,
        known=known,
        door=door or OpenDoor(),
        hub=Hub(store, wake, known, tick=settings.tick, ring=settings.ring),
        meters=Meters(),
        now=clock.now,
        repeats=repeats or RepeatsInMemory(clock.monotonic),
        approvals=approvals,
        dispatch=dispatch,
        audit=audit,
    )
