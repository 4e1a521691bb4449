"""When nothing new is deployed: freeze windows, and the time to hold still after a release failed.

Windows are written in wall clock time; what is decided is a span of instants. Where the clock is turned, a wall time
may come twice or never: a window then begins at the earliest and ends at the latest instant that it can mean, so it is
never shorter than it reads.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from lockgate.core.config import FreezeConfig

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_POINT = rf"({'|'.join(DAYS)}) ([01][0-9]|2[0-3]):([0-5][0-9])"
WEEKLY = re.compile(rf"{_POINT} - {_POINT}")
_DATE_ALONE = len("2026-12-20")
_FAILED = {"rolled_back", "broken"}
_SETTLED = {"deployed", *_FAILED}


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `start` up to, not including, `end`; both UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Frozen:
    """A freeze that is in force."""

    until: datetime
    reason: str


def frozen(windows: Iterable[tuple[FreezeConfig, tzinfo]], now: datetime) -> Frozen | None:
    """Give the freeze in force at `now`, of several the one that lasts longest; each comes with its time zone."""
    found = [
        Frozen(span.end, window.reason)
        for window, zone in windows
        for span in spans(window, zone, now)
        if span.start <= now < span.end
    ]
    return max(found, key=lambda one: one.until, default=None)


def spans(window: FreezeConfig, zone: tzinfo, now: datetime) -> Iterator[Span]:
    """Give the spans of a window: its one, or of a weekly one those that may hold `now`."""
    if not window.weekly:
        start, end = moment(window.start), moment(window.end, last=True)
        yield Span(_instant(start, zone, last=False), _instant(end, zone, last=True))
        return
    begins, lasts = weekly(window.weekly)
    local = now.astimezone(zone)
    monday = datetime.combine(local.date() - timedelta(days=local.weekday()), time())
    for week in (-1, 0, 1):
        start = monday + timedelta(weeks=week) + begins
        yield Span(_instant(start, zone, last=False), _instant(start + lasts, zone, last=True))


def weekly(text: str) -> tuple[timedelta, timedelta]:
    """Read `Fri 16:00 - Mon 08:00`: how long after Monday 00:00 it begins, and how long it lasts. Raise ValueError."""
    match = WEEKLY.fullmatch(text)
    if not match:
        raise ValueError(f'expected a span of the week like "Fri 16:00 - Mon 08:00", got "{text}"')
    day, hour, minute, last_day, last_hour, last_minute = match.groups()
    start = timedelta(days=DAYS.index(day), hours=int(hour), minutes=int(minute))
    end = timedelta(days=DAYS.index(last_day), hours=int(last_hour), minutes=int(last_minute))
    if start == end:
        raise ValueError(f'expected two different times, got "{text}"')
    return start, (end - start) % timedelta(weeks=1)


def moment(text: str, *, last: bool = False) -> datetime:
    """Read a day, or a day and a time, as wall time; a last day ends when it is over. Raise ValueError."""
    day = datetime.fromisoformat(text)
    return day + timedelta(days=1) if last and len(text) == _DATE_ALONE else day


def held_until(endings: Sequence[tuple[str, str]], hold: float) -> datetime | None:
    """Say until when to hold still, by how rollouts ended (outcome, time in ISO 8601), the newest first; None: no need.

    An aborted rollout changed nothing, so it neither begins a hold nor ends one.
    """
    settled = next((ending for ending in endings if ending[0] in _SETTLED), None)
    if settled is None or settled[0] not in _FAILED:
        return None
    return datetime.fromisoformat(settled[1]) + timedelta(seconds=hold)


def _instant(wall: datetime, zone: tzinfo, *, last: bool) -> datetime:
    both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return max(both) if last else min(both)
