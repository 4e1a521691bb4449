"""Rows of PostgreSQL as the board knows them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from lockgate.core.board.findings import short
from lockgate.core.board.rows import Serving
from lockgate.core.ledger import Deployment, LedgerEvent


def literal(text: str) -> str:
    """Take a text for a `like` as it is."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def time(at: datetime) -> str:
    """Write a moment as every ledger does."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def serving(row: Sequence[Any]) -> Serving:
    """Read what serves in a place: the fields in their order."""
    values: list[Any] = [*row[:-1], short(row[-1])]
    return Serving(*values)


def deployment(row: Sequence[Any]) -> Deployment:
    """Read a rollout."""
    rollout, platform, status, environment, service, commit, version, at, by, metadata = row
    return Deployment(rollout, platform, status, environment, service, commit, version, time(at), by, metadata)


def event(row: Sequence[Any]) -> LedgerEvent:
    """Read an event."""
    rollout, seq, at, kind, service, environment, data = row
    return LedgerEvent(rollout, seq, time(at), kind, service, environment, data)
