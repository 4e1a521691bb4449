"""Who changed what through the board: two events for each, before and after."""

from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.core.board.viewer import Viewer
from lockgate.core.ledger import LedgerEvent

SERVICE = "lockgate-board"
"""Whose events they are. The database lets those alone see them who may see every service."""
STEM = "board."
ASKED, ANSWERED = "board.asked", "board.answered"


@dataclass(frozen=True, slots=True)
class Write:
    """Something that somebody asks the board to change."""

    id: str
    viewer: Viewer
    action: str
    environment: str
    about: dict[str, Any]

    def event(self, at: str, answered: dict[str, Any] | None = None) -> LedgerEvent:
        """Give the event before it is done, or the one after with how it went."""
        claims = self.viewer.claims or {}
        by = {"name": self.viewer.name, "subject": claims.get("sub", ""), "issuer": claims.get("iss", "")}
        kind, seq = (ASKED, 1) if answered is None else (ANSWERED, 2)
        text = f"{self.viewer.name} asked to {self.action}" if answered is None else f"answered {answered['status']}"
        data = {"by": by, "role": str(self.viewer.role), "action": self.action, "about": self.about, "message": text}
        return LedgerEvent(f"board-{self.id}", seq, at, kind, SERVICE, self.environment, data | (answered or {}))


class Audit(Protocol):
    """Keeps such events. Blocking; raises StateError, and then nothing is done."""

    def record(self, event: LedgerEvent) -> None:
        """Keep one."""
        ...
