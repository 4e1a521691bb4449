"""Lockgate's ledger, read while it is being written."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a rollout's journal."""

    at: float
    """Seconds since 1970."""
    rollout: str
    environment: str
    kind: str
    data: Mapping[str, Any]


class Journal:
    """Gives each entry once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0

    def new(self) -> list[Entry]:
        """Give what was written since the last call; nothing where there is no ledger yet."""
        if not self._path.is_file():
            return []
        try:
            with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=1)) as ledger:
                rows = ledger.execute(
                    "select rowid, at, rollout, environment, kind, data from events where rowid > ? order by rowid",
                    [self._seen],
                ).fetchall()
        except sqlite3.OperationalError:
            return []  # being made, or locked: the next look sees it
        if rows:
            self._seen = rows[-1][0]
        return [
            Entry(datetime.fromisoformat(at).timestamp(), rollout, environment, kind, json.loads(data))
            for _, at, rollout, environment, kind, data in rows
        ]
