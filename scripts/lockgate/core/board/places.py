"""Every place that somebody sees, put together once for all pages that show some of it."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.board.overview import Cell, ServiceRow, overview
from lockgate.core.board.rows import Serving
from lockgate.core.ledger import Deployment


def fitting(services: Sequence[str], rollouts: Mapping[str, int], most: int) -> list[str]:
    """Give the first services, as many as have no more than `most` rollouts together, and one at least."""
    found: list[str] = []
    total = 0
    for one in services:
        total += rollouts.get(one, 0)
        if found and total > most:
            break
        found.append(one)
    return found


@dataclass(frozen=True, slots=True)
class Places:
    """What serves where, and what is under way."""

    rows: Sequence[ServiceRow]
    """By service."""
    serving: Mapping[str, Mapping[str, Serving]]
    """Service -> environment -> what serves there."""
    ready: Sequence[tuple[str, Cell]]
    """Where the environment before has a release that was judged healthy, and that could go on."""
    made: dict[Hashable, Any] = field(default_factory=dict, compare=False)
    """What was made of it for somebody, kept for the next one as long as it is itself kept."""

    @classmethod
    def of(cls, serving: Sequence[Serving], under_way: Sequence[Deployment]) -> "Places":
        """Put it together."""
        rows = overview(serving, under_way)
        known: dict[str, dict[str, Serving]] = defaultdict(dict)
        for one in serving:
            known[one.service][one.environment] = one
        cells = ((row.service, cell) for row in rows for cell in row.cells)
        ready = [(name, cell) for name, cell in cells if cell.behind and cell.behind.verified and not cell.open]
        return cls(rows, dict(known), ready)
