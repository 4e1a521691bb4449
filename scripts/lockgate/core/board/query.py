"""What a history is asked for: filters that live in a URL, and cursors that hold a place in it."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

STATUSES = ("in_progress", "deployed", "rolled_back", "broken", "aborted")
SHORTEST_TEXT = 3
"""Letters of a search: an index of trigrams cannot help with fewer."""
SHORTEST_COMMIT = 4
LONGEST = 200
PAGE = 50
MOST = 200
_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_LIMIT = re.compile(r"[0-9]{1,3}")
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; "" where nothing is said."""

    service: str = ""
    environment: str = ""
    status: str = ""
    by: str = ""
    commit: str = ""
    """The beginning of a commit's hash."""
    text: str = ""
    """Anywhere in version, commit, rollout, person or message; in any case."""
    since: str = ""
    """The first day, UTC."""
    until: str = ""
    """The last day."""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Filter":
        """Read the filters of a URL; raise ValueError with everything that is wrong, a sentence for each."""
        known = {one.name: query.get(one.name, "").strip() for one in fields(cls)}
        known["commit"] = known["commit"].lower()
        problems = [problem for name, value in known.items() if value and (problem := _problem(name, value))]
        if not problems and known["since"] and known["until"] and known["since"] > known["until"]:
            problems = [f"since {known['since']} is after until {known['until']}"]
        if problems:
            raise ValueError("; ".join(problems))
        return cls(**known)

    def to_query(self) -> dict[str, str]:
        """Give what `parse` reads, without what is empty."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name))}

    @property
    def begins(self) -> str:
        """The first moment, as the ledger writes it; "" where there is none."""
        return f"{self.since}T00:00:00.000+00:00" if self.since else ""

    @property
    def ends(self) -> str:
        """The first moment that is too late."""
        if not self.until:
            return ""
        return f"{_day(self.until) + timedelta(days=1):%Y-%m-%d}T00:00:00.000+00:00"

    @property
    def mark(self) -> str:
        """What stands for this filter in a cursor."""
        text = json.dumps(self.to_query(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Page:
    """A place in a history, and how much of it is wanted from there."""

    limit: int = PAGE
    at: str = ""
    """The time of the row that it begins after; "" for the newest."""
    id: str = ""
    back: bool = False
    """Towards newer rows."""

    def cursor(self, wanted: Filter) -> str:
        """Write the place for a URL; it is good for the same filter only."""
        raw = json.dumps([_VERSION, self.at, self.id, int(self.back), wanted.mark], separators=(",", ":"))
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str, limit: str, wanted: Filter) -> "Page":
        """Read a place; raise ValueError where it is none, or belongs to another filter."""
        if limit and not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= MOST):
            raise ValueError(f"limit is 1 to {MOST}, not {limit[:20]}")
        size = int(limit) if limit else PAGE
        if not cursor:
            return cls(size)
        try:
            raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            version, at, rollout, back, mark = json.loads(raw)
            known = version == _VERSION and _written(at) and len(rollout) <= LONGEST and rollout.isprintable()
        except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("the cursor is none of this board's: begin again without it") from error
        if not known or mark != wanted.mark:
            raise ValueError("the cursor belongs to another search: begin again without it")
        return cls(size, at, rollout, bool(back))


def _problem(name: str, value: str) -> str:
    if len(value) > LONGEST or not value.isprintable():
        return f"{name} is at most {LONGEST} printable letters"
    if name == "status" and value not in STATUSES:
        return f"status is one of {', '.join(STATUSES)}"
    if name == "commit" and not _COMMIT.fullmatch(value):
        return f"commit is the beginning of a hash: {SHORTEST_COMMIT} to 64 hexadecimal digits"
    if name == "text" and len(value) < SHORTEST_TEXT:
        return f"text needs {SHORTEST_TEXT} letters or more"
    if name in {"since", "until"}:
        try:
            _day(value)
        except (ValueError, OverflowError):
            return f"{name} is a day like 2026-11-01"
    return ""


def _written(at: str) -> bool:
    """Whether a time is as the ledger writes it; what else Python reads as one, a database need not."""
    moment = datetime.fromisoformat(at)
    return moment.utcoffset() == timedelta(0) and moment.isoformat(timespec="milliseconds") == at


def _day(text: str) -> datetime:
    day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    if f"{day:%Y-%m-%d}" != text or day.year > 9000:  # noqa: PLR2004 - the day after it must exist, too
        raise ValueError(text)
    return day
