"""The journal of a rollout, read back to go on from it."""

from lockgate.core import recorded
from lockgate.core.ledger import Ledger, LedgerEvent
from lockgate.core.rollout_model import Plan
from lockgate.engine import replay
from lockgate.errors import LedgerDamagedError


def read_journal(ledger: Ledger, rollout: str) -> list[LedgerEvent]:
    """Give its events, of which there is one at least; raise LedgerDamagedError where one is not as it was written."""
    events = list(ledger.events(rollout))
    try:
        _check(events)
    except (ValueError, RecursionError) as error:
        raise LedgerDamagedError(
            f"The journal of the rollout {rollout} is not what Lockgate writes: {error}.",
            why="Somebody else wrote to the ledger, or a part of it is lost.",
            fix="`lockgate ledger verify` says what was changed; nothing was changed now.",
        ) from error
    return events


def _check(events: list[LedgerEvent]) -> None:
    if not events:
        raise ValueError("nothing is recorded")
    for event in events:
        recorded.check_step(event.kind, event.data)
    if events[0].kind == "rollout.started" and "plan" in events[0].data:
        replay(Plan.from_dict(events[0].data["plan"]), events)
