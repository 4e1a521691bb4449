"""Put a board together."""

from collections.abc import Callable, Sequence

from lockgate.adapters.clock import Clock
from lockgate.board.answers import Answers
from lockgate.board.api.repeats import Repeats, RepeatsInMemory, RepeatsShared
from lockgate.board.auth.door import SignInDoor
from lockgate.board.door import Door, OpenDoor
from lockgate.board.known import Known
from lockgate.board.live.hub import Hub, Wake
from lockgate.board.prometheus import Meters
from lockgate.board.settings import Settings
from lockgate.board.wiring import Board
from lockgate.core.board.audit import Audit
from lockgate.core.board.rows import BoardStore
from lockgate.core.board.shared import Shared
from lockgate.core.board.waiting import Approvals, Dispatch
from lockgate.core.trace import Span


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
    shared: Shared | None = None,
    secret: bytes = b"",
    spans: Callable[[Sequence[Span]], bool] | None = None,
) -> Board:
    """Give a board with everything in its place. Without a door everybody who reaches it is let in.

    `shared` is what its replicas have in common, and `secret` what they know and nobody else does; `spans`
    sends the traces of requests.
    """
    known = Known(clock.monotonic, settings.cache_seconds)
    known.traces.send = spans
    hub = Hub(store, wake, known, tick=settings.tick, ring=settings.ring)
    name = settings.name
    if shared is not None:
        known.answers = Answers(shared, lambda: str(hub.head), name, secret)
        repeats = repeats or RepeatsShared(shared, name, secret, RepeatsInMemory(clock.monotonic))
        if isinstance(door, SignInDoor):
            door.shared, door.board = shared, name
    return Board(
        settings=settings,
        store=store,
        known=known,
        door=door or OpenDoor(),
        hub=hub,
        meters=Meters(),
        now=clock.now,
        repeats=repeats or RepeatsInMemory(clock.monotonic),
        approvals=approvals,
        dispatch=dispatch,
        audit=audit,
        shared=shared,
    )
