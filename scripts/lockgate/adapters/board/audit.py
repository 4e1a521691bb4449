"""What people ask the board to change, as events of the ledger."""

from collections.abc import Callable
from datetime import datetime

from lockgate.core.ledger import Ledger, LedgerEvent, SpooledEvent, fence_of


class LedgerAudit:
    """An `Audit` in the chain of the ledger itself, where nobody can change it unseen."""

    def __init__(self, opened: Callable[[], Ledger]) -> None:
        self._opened = opened
        self._ledger: Ledger | None = None

    def record(self, event: LedgerEvent) -> None:
        """Add an event to the chain. It belongs to no rollout, so nobody has to hold a lease for it."""
        if self._ledger is None:
            self._ledger = self._opened()
        self._ledger.replay([SpooledEvent(event, fence_of(datetime.fromisoformat(event.at)))])
