"""Answers that the replicas of a board share: for a moment, and each for the very viewer that it was given to."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lockgate.core.board.coded import NotOursError, named, opened, sealed
from lockgate.core.board.shared import AwayError, Shared

QUESTIONS = frozenset({
    "environments", "history", "deployment", "story", "watching", "delivery", "budgets", "approvals",
})  # fmt: skip
"""What is shared; how this replica itself is, is not."""


@dataclass(slots=True)
class Answers:
    """The shared place, as `Known` asks it. The place being away is as if nothing was there."""

    shared: Shared
    head: Callable[[], str]
    """The end of the ledger as this replica has read it: an answer is one for that end, and for no later one."""
    board: str
    """Which board it is, where several use one place."""
    secret: bytes = b""
    hits: int = 0

    def name(self, key: Hashable) -> str:
        """Name a question as of now; "" for one that is not shared."""
        if not isinstance(key, tuple) or key[0] not in QUESTIONS:
            return ""
        return f"{self.board}:answer:{named(key, self.head())}"

    async def find(self, name: str) -> list[Any]:
        """Give the answer alone in a list; an empty one where there is none."""
        with suppress(AwayError, NotOursError):
            if name and (found := await self.shared.get(name)) is not None:
                value = opened(found, self.secret)
                self.hits += 1
                return [value]
        return []

    async def keep(self, name: str, value: Any, seconds: float) -> None:
        """Keep an answer for so long."""
        with suppress(AwayError):
            if name and seconds > 0:
                await self.shared.put(name, sealed(value, self.secret), seconds)
