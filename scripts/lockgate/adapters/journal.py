"""A rollout's journal: its events, numbered and written to the ledger under the lease."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.adapters.clock import Clock
from lockgate.core.ledger import Lease, Ledger, LedgerEvent
from lockgate.core.trace import trace_id
from lockgate.errors import StateError


@dataclass(slots=True)
class Journal:
    """Numbers and writes a rollout's events. While undoing, a ledger that fails is remembered and tried again."""

    ledger: Ledger
    lease: Lease
    clock: Clock
    rollout: str
    carried: Mapping[str, Any] = field(default_factory=dict)
    """What its first event holds beside the plan: the evidence that the release came with."""
    hide: Callable[[Any], Any] = lambda value: value
    """Redacts what is written: a message may quote a service that told its secret."""
    seq: int = 0
    backlog: list[LedgerEvent] = field(default_factory=list)

    def write(self, kind: str, data: dict[str, Any], *, must: bool) -> None:
        """Record an event. Raise StateError only where `must`: nothing may be changed that is not journaled first."""
        data = self.hide({**(self.carried if self.seq == 0 else {}), **data}) | {"trace": trace_id(self.rollout)}
        at = self.clock.now().isoformat(timespec="milliseconds")
        event = LedgerEvent(self.rollout, self.seq, at, kind, self.lease.service, self.lease.environment, data)
        self.seq += 1
        self.backlog.append(event)
        try:
            self.flush()
        except StateError:
            if must:
                self.backlog.remove(event)
                self.seq -= 1
                raise

    def flush(self) -> None:
        """Write what could not be written before; raise StateError where it still cannot."""
        while self.backlog:
            self.ledger.append(self.backlog[0], self.lease)
            self.backlog.pop(0)
