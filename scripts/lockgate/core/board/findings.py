"""What the scan of a release found, as its journal keeps it, and what two releases have that the other has not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.board.watches import listed, number
from lockgate.core.redaction import printable

_ORDER = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Found:
    """One finding."""

    id: str
    severity: str
    package: str
    """Or the file that it is in."""
    fixed_in: str = ""
    since: str = ""
    """When it was first seen where the release runs; "" where it came with the release."""

    @property
    def brief(self) -> str:
        """What it is and where."""
        return f"{self.id} {self.severity} in {self.package}"

    @property
    def words(self) -> str:
        """A line for people."""
        fixed = f", fixed in {self.fixed_in}" if self.fixed_in else ", no fix yet"
        return f"{self.brief}{fixed if self.id.startswith('CVE') else ''}"


@dataclass(frozen=True, slots=True)
class Short:
    """What a scan came to, in short."""

    at: str
    total: int
    newest: Found | None
    """What was seen last for the first time, the worst of it; None where there is nothing."""

    @property
    def words(self) -> str:
        """A line for people, which a time follows."""
        return f"newest finding {self.newest.brief}, found" if self.newest else "no finding, scanned"

    @property
    def severity(self) -> str:
        """Of the newest; "none" where there is nothing."""
        return self.newest.severity.lower() if self.newest else "none"

    @property
    def when(self) -> str:
        """When the newest was first seen; of nothing, when nobody saw it."""
        return (self.newest.since if self.newest else "") or self.at


def short(value: Any) -> Short | None:
    """Read the short form that a journal carries; None of what is none."""
    if not isinstance(value, Mapping):
        return None
    newest = findings({"findings": [value.get("newest")]})
    return Short(_text(value, "at"), int(number(value.get("total"))), newest[0] if newest else None)


def findings(scan: Any) -> list[Found]:
    """Read a record, worst first; an empty one of what is none."""
    rows = (
        [row for row in listed(scan.get("findings")) if isinstance(row, Mapping)] if isinstance(scan, Mapping) else []
    )
    found = [
        Found(
            *(_text(row, "id"), _text(row, "severity")),
            package=_text(row, "package") or _text(row, "subject") or _text(row, "file"),
            fixed_in=_text(row, "fixed_in"),
            since=_text(row, "since"),
        )
        for row in rows
        if isinstance(row, Mapping)
    ]
    return sorted(found, key=lambda one: (_rank(one.severity), one.id, one.package))


def fresh(scan: Any) -> list[Found]:
    """Give what came with the release itself."""
    return [one for one in findings(scan) if not one.since]


def delta(new: Any, old: Any) -> tuple[list[Found], list[Found]]:
    """Give what the new one has more, and what it has no more."""
    after, before = findings(new), findings(old)
    return _without(after, before), _without(before, after)


def _without(some: list[Found], others: list[Found]) -> list[Found]:
    known = {(one.id, one.package) for one in others}
    return [one for one in some if (one.id, one.package) not in known]


def _rank(severity: str) -> int:
    name = severity.upper()
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return printable(value)[:_LONGEST] if isinstance(value, str) else ""
