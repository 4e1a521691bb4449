"""Budgets that were kept and broken: what was measured for a release, and how often it was within its limit.

A line is what schemas/result.schema.json says of one. The beginning of a rollout has what test and build measured, its
ending what the rollout did; where an earlier version wrote them there is nothing, and nothing is made up for it.
The function `lockgate_budgets` of supabase/migrations counts the same in SQL.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lockgate.core.metrics_report import lasting
from lockgate.core.result import BudgetLine

ORDER = ("coverage", "build", "image", "deploy", "response_p95", "availability")
SHARE = "share"
"""The unit of what must be at least its limit; everything else must be at most that."""
MOST = 5
"""Rollouts that are named for a budget they broke."""
_MINUTE = 60
_WORDS = {"response_p95": "p95 response", "image": "image size", "build": "build time", "deploy": "deploy time"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one rollout that ended had measured."""

    rollout: str
    service: str
    environment: str
    version: str
    at: str
    """When it ended: UTC, ISO 8601."""
    lines: Sequence[BudgetLine]
    """None of them where nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One rollout that broke a budget."""

    rollout: str
    version: str
    measured: float
    limit: float


@dataclass(frozen=True, slots=True)
class Kept:
    """One budget in one place."""

    name: str
    unit: str
    limit: float
    """As of the newest rollout."""
    kept: int
    measured: int
    """Rollouts in which it was measured."""
    worst: float
    breaches: tuple[Breach, ...] = ()
    """The newest of them first, at most MOST."""

    @property
    def title(self) -> str:
        """For people."""
        return title(self.name)


@dataclass(frozen=True, slots=True)
class Promises:
    """The budgets of one service in one environment."""

    service: str
    environment: str
    rollouts: int
    """Changes that ended."""
    recorded: int
    """Of these, the ones of which anything was recorded."""
    budgets: tuple[Kept, ...]

    @property
    def kept(self) -> int:
        """Of all budgets together."""
        return sum(one.kept for one in self.budgets)

    @property
    def measured(self) -> int:
        """Of all budgets together."""
        return sum(one.measured for one in self.budgets)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Promises":
        """Read what the SQL function gives."""
        budgets = [
            Kept(**{**one, "breaches": tuple(Breach(**each) for each in one["breaches"])}) for one in data["budgets"]
        ]
        return cls(**{**data, "budgets": tuple(sorted(budgets, key=lambda one: rank(one.name)))})


def read(value: Any) -> list[BudgetLine]:
    """Read the lines that were measured; whatever else a ledger holds there is none."""
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    return [
        BudgetLine(row["name"], float(row["limit"]), float(row["measured"]), row["unit"], row["kept"])
        for row in rows
        if isinstance(row.get("name"), str) and isinstance(row.get("unit"), str) and isinstance(row.get("kept"), bool)
        if _number(row.get("limit")) and _number(row.get("measured"))
    ]


def in_rollout(budgets: Any) -> list[BudgetLine]:
    """Read what a ledger keeps beside a rollout: the lines of its beginning and those of its ending."""
    parts = [budgets.get(name) for name in ("release", "rollout")] if isinstance(budgets, Mapping) else []
    return [line for part in parts for line in read(part)]


def count(ended: Iterable[Measured]) -> list[Promises]:
    """Count for each place how often each budget was kept, by its name."""
    places: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for one in sorted(ended, key=lambda one: (one.at, one.rollout), reverse=True):
        places[one.service, one.environment].append(one)
    return [_counted(place, found) for place, found in sorted(places.items())]


def rank(name: str) -> tuple[int, str]:
    """Give the place of a budget in every list: in the order in which a release meets them."""
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def title(name: str) -> str:
    """Name a budget for people."""
    return _WORDS.get(name, name)


def amount(value: float, unit: str) -> str:
    """Write what was measured, or may be, in its unit."""
    if unit == SHARE:
        return f"{100 * value:.4g} %"
    if unit == "bytes":
        return f"{value / 1e6:.1f} MB"
    if unit == "s":
        return f"{1000 * value:.4g} ms" if value < 1 else f"{value:.1f} s" if value < _MINUTE else lasting(value)
    return f"{value:g} {unit}"


def _counted(place: tuple[str, str], found: Sequence[Measured]) -> Promises:
    by_name: dict[str, list[tuple[Measured, BudgetLine]]] = defaultdict(list)
    for one in found:
        for line in one.lines:
            by_name[line.name].append((one, line))
    budgets = tuple(_kept(name, by_name[name]) for name in sorted(by_name, key=rank))
    return Promises(*place, len(found), sum(bool(one.lines) for one in found), budgets)


def _kept(name: str, lines: Sequence[tuple[Measured, BudgetLine]]) -> Kept:
    newest = lines[0][1]
    values = [line.measured for _, line in lines if line.measured is not None]
    broken = [
        Breach(one.rollout, one.version, line.measured, line.limit)
        for one, line in lines
        if not line.kept and line.measured is not None
    ]
    worst = min(values) if newest.unit == SHARE else max(values)
    return Kept(name, newest.unit, newest.limit, len(lines) - len(broken), len(lines), worst, tuple(broken[:MOST]))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
