"""Rows of SQLite as the board knows them, and the conditions of what is counted."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from lockgate.core.board.findings import short
from lockgate.core.board.rows import Serving
from lockgate.core.ledger import Deployment, LedgerEvent
from lockgate.core.metrics import Question


def serving(row: sqlite3.Row) -> Serving:
    """Read what serves in a place."""
    standing = json.loads(row["standing"])
    release = standing["release"]
    return Serving(
        *(row["service"], row["environment"], release["version"], release["commit"], release["digest"]),
        verified=bool(standing["verified"]),
        rollout=row["id"],
        status=row["status"],
        tried=row["version"],
        at=row["deployed_at"],
        by=row["deployed_by"],
        found=short(json.loads(found)) if (found := row["found"]) else None,
    )


def deployment(row: sqlite3.Row) -> Deployment:
    """Read a rollout."""
    return Deployment(**{name: row[name] or "" for name in row.keys() if name != "metadata"},  # noqa: SIM118
                      metadata=json.loads(row["metadata"]))  # fmt: skip


def meant(question: Question, services: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Give the conditions of what is counted, with their parameters."""
    told = {"service": question.service, "environment": question.environment}
    where = [f" and {name} = :{name}" for name, value in told.items() if value]
    if services:
        where.append(" and service in (select value from json_each(:services))")
        told["services"] = json.dumps([*services])
    return "".join(where), told


def moment(at: datetime) -> str:
    """Write a moment as every ledger does."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def event(row: sqlite3.Row) -> LedgerEvent:
    """Read an event."""
    fields = ("rollout", "seq", "at", "kind", "service", "environment")
    return LedgerEvent(**{name: row[name] for name in fields}, data=json.loads(row["data"]))
