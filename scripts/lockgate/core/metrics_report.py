"""Delivery metrics as people read them: a question from what they typed, a table, a small chart, CSV."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lockgate.core.metrics import Counted, Median, Period, Question, bucket, buckets

HEADER = ("environment", "deployed", "lead time", "from merge", "failure rate", "time to restore", "aborted", "again")
WIDEST = 60
"""Columns of a chart; of a longer time the end is drawn."""
MOST_PERIODS = 750
"""Two years by day, 14 by week: a chart of more shows nothing, and takes long to draw."""
_PERIOD_DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 28}
_EIGHTHS = "▁▂▃▄▅▆▇█"
_SPAN = re.compile(r"([1-9][0-9]{0,3})([dw])")
_DAYS = {"d": 1, "w": 7}
_WEEK = 7 * 86_400
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))
_FORMULA = ("=", "+", "-", "@", "\t")
_MEDIANS = ("lead_commit", "lead_merge", "restore")


def question(place: tuple[str, str], since: str, until: str, period: Period, now: datetime) -> Question:
    """Read what to count as typed; raise ValueError.

    It begins with a whole period, so that the first one is not a part that looks like less.
    """
    if not "".join(place).isprintable():
        raise ValueError("the name of a service or an environment is printable")
    end = _day(until) + timedelta(days=1) if until else now
    begin = beginning(since, end, period)
    longest = MOST_PERIODS * _PERIOD_DAYS[period]
    if end - begin > timedelta(days=longest):
        raise ValueError(
            f"by {period} at most {longest} days are counted at once, and {begin:%Y-%m-%d} to {end:%Y-%m-%d} is more: "
            "begin later, or count by a longer period"
        )
    return Question(*place, begin, end, period)


def beginning(since: str, end: datetime, period: Period) -> datetime:
    """Read a time as typed: a day such as 2026-11-01, or 90d or 12w before its end. Raise ValueError."""
    span = _SPAN.fullmatch(since)
    try:
        begin = end - timedelta(days=int(span[1]) * _DAYS[span[2]]) if span else _day(since)
        begin = _day(bucket(period, begin))
    except OverflowError as error:
        raise ValueError(f"{since} before {end:%Y-%m-%d} is before the calendar") from error
    if begin >= end:
        raise ValueError(f"{begin:%Y-%m-%d} is not before {end:%Y-%m-%d}")
    return begin


def whole(counted: Sequence[Counted]) -> list[Counted]:
    """Give the rows over all of the time."""
    return [one for one in counted if one.bucket is None]


def rows(asked: Question, counted: Sequence[Counted], *, services: bool) -> list[list[str]]:
    """Give one row of text for each place, as HEADER says; with the service first where there may be several."""
    weeks = (asked.until - asked.since).total_seconds() / _WEEK
    return [[*([one.service] if services else []), *_row(one, weeks)] for one in whole(counted)]


def _row(one: Counted, weeks: float) -> Iterator[str]:
    yield one.environment
    yield f"{one.deployed} ({one.deployed / weeks:.1f} a week)"
    yield _median(one.lead_commit)
    yield _median(one.lead_merge)
    yield f"{one.failure_rate:.1%} ({one.failed} of {one.changes})" if one.failure_rate is not None else "-"
    yield _median(one.restore) + (f", {one.open} open" if one.open else "")
    yield str(one.aborted)
    yield str(one.repeated)


def chart(asked: Question, counted: Sequence[Counted], *, services: bool) -> list[str]:
    """Draw for each place a column for each period: changes that had traffic, and below them those that failed."""
    columns = buckets(asked)[-WIDEST:]
    lines: list[str] = []
    for place in whole(counted):
        name = f"{place.service} {place.environment}" if services else place.environment
        same = (place.service, place.environment)
        at = {one.bucket: one for one in counted if (one.service, one.environment) == same}
        changes = [at[column].changes if column in at else 0 for column in columns]
        failed = [at[column].failed if column in at else 0 for column in columns]
        most = max(changes, default=0)
        lines += [name, f"  changes {_bars(changes, most)} at most {most} a {asked.period}"]
        lines += [f"  failed  {_bars(failed, most)}"] if any(failed) else []
    return [*lines, f"  {columns[0]} to {columns[-1]}, a column for each {asked.period}"] if lines else []


def table(counted: Sequence[Counted]) -> list[dict[str, Any]]:
    """Give one flat record for each place and period, the whole time with an empty one."""
    return [_flat(one) for one in counted]


def to_csv(counted: Sequence[Counted]) -> str:
    """Write those records as CSV, with a heading; no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(_flat(_NOTHING)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in one.items()} for one in table(counted))
    return out.getvalue()


def _flat(one: Counted) -> dict[str, Any]:
    counts = ("deployed", "returned", "rolled_back", "broken", "aborted", "repeated", "failed", "changes", "open")
    flat: dict[str, Any] = {"service": one.service, "environment": one.environment, "period": one.bucket or ""}
    flat |= {name: getattr(one, name) for name in counts}
    flat["failure_rate"] = one.failure_rate
    for name in _MEDIANS:
        found: Median = getattr(one, name)
        flat |= {f"{name}_seconds": found.median, f"{name}_n": found.n}
    return flat


_NOTHING = Counted("", "", None, 0, 0, 0, 0, 0, 0, Median(0, None), Median(0, None), Median(0, None), 0)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _bars(values: Sequence[int], most: int) -> str:
    """Draw a bar for each value; whatever is not nothing can be seen."""
    return "".join(_EIGHTHS[max(0, -(-value * 8 // most) - 1)] if value else "·" for value in values)


def _median(found: Median) -> str:
    return "-" if found.median is None else f"{lasting(found.median)} (n={found.n})"


def lasting(seconds: float) -> str:
    """Write how long something took, in the two units that matter: 3d 4h, 2h 5m, 40s."""
    for at, (size, unit) in enumerate(_UNITS):
        if seconds >= size:
            rest, smaller = (_UNITS[at + 1]) if at + 1 < len(_UNITS) else (1, "s")
            first, left = divmod(round(seconds / rest), size // rest)
            return f"{first}{unit} {left}{smaller}" if left else f"{first}{unit}"
    return f"{seconds:.3g}s"


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f'expected a day like 2026-11-01, or 90d or 12w, got "{text}"') from error
