"""Delivery metrics: how often, how fast, how often wrong, how long until right again. See docs/metrics.md.

The function `lockgate_metrics` of supabase/migrations says the same in SQL, where a database keeps the ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from lockgate.core.reasons import Outcome

ROLLBACK = "rollback"
"""The kind of a rollout that a person began to return to an earlier release."""
_DEPLOY = "deploy"
_REPLACING = frozenset({(Outcome.DEPLOYED, _DEPLOY), (Outcome.BROKEN, _DEPLOY), (Outcome.DEPLOYED, ROLLBACK)})
_RESTORED = frozenset({Outcome.DEPLOYED, Outcome.ROLLED_BACK})


class Period(StrEnum):
    """What is counted together; in UTC, and a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Question:
    """What to count."""

    service: str
    """"" means all of them."""
    environment: str
    since: datetime
    until: datetime
    period: Period


@dataclass(frozen=True, slots=True)
class Ended:
    """One rollout that ended, of any kind."""

    id: str
    service: str
    environment: str
    kind: str
    """`deploy`, `rollback`, `adopt`, `revive`: only the first brings a change."""
    status: str
    commit: str
    at: datetime
    live_at: datetime | None = None
    """When it first got traffic."""
    committed_at: datetime | None = None
    merged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Median:
    """The median of some seconds; None where there were none."""

    n: int
    median: float | None


@dataclass(frozen=True, slots=True)
class Counted:
    """One service in one environment, in one period or in all of the time asked for."""

    service: str
    environment: str
    bucket: str | None
    """The first day of the period; None for all of the time."""
    deployed: int
    """Changes whose rollout ended well."""
    returned: int
    """Of these, the ones that a person rolled back before anything else was deployed, or broke, there."""
    rolled_back: int
    """Changes that the gate rolled back."""
    broken: int
    aborted: int
    """Never had traffic: no failure of a change, and not in the failure rate."""
    repeated: int
    """Deployments of a commit that had been deployed there before: they have no lead time."""
    lead_commit: Median
    """Seconds from writing the commit until its first deployment ended well."""
    lead_merge: Median
    """Seconds from merging it."""
    restore: Median
    """Seconds from the first traffic of a failed release until a healthy one had all of it."""
    open: int
    """Failures that are not restored."""

    @property
    def failed(self) -> int:
        """Changes that failed under traffic."""
        return self.rolled_back + self.broken + self.returned

    @property
    def changes(self) -> int:
        """Changes that had traffic."""
        return self.deployed + self.rolled_back + self.broken

    @property
    def failure_rate(self) -> float | None:
        """The share of changes that failed."""
        return self.failed / self.changes if self.changes else None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Counted":
        """Read what the SQL function gives."""
        medians = {key: Median(**data[key]) for key in ("lead_commit", "lead_merge", "restore")}
        return cls(**{**data, **medians})


def count(question: Question, rollouts: Iterable[Ended]) -> Sequence[Counted]:
    """Answer a question from all rollouts that ended, in the order of their place, the whole time first."""
    places: dict[tuple[str, str], list[Ended]] = defaultdict(list)
    for one in sorted(rollouts, key=lambda one: (one.at, one.id)):
        if question.service in {"", one.service} and question.environment in {"", one.environment}:
            places[one.service, one.environment].append(one)
    groups: dict[tuple[str, str, str], list[_Measured]] = defaultdict(list)
    for place, ended in places.items():
        for measured in _measured(ended):
            if question.since <= measured.rollout.at < question.until:
                groups[(*place, "")].append(measured)
                groups[(*place, bucket(question.period, measured.rollout.at))].append(measured)
    return [_counted(key, groups[key]) for key in sorted(groups)]


def bucket(period: Period, at: datetime) -> str:
    """Give the first day of the period that a moment (UTC) is in."""
    day = at.date()
    if period is Period.WEEK:
        day -= timedelta(days=day.weekday())
    return str(day.replace(day=1) if period is Period.MONTH else day)


def buckets(question: Question) -> list[str]:
    """Give every period of the time asked for, those without a deployment too."""
    days = (question.until - question.since).days + 2
    each = (question.since + timedelta(days=offset) for offset in range(days))
    return list(dict.fromkeys(bucket(question.period, at) for at in each if at < question.until))


@dataclass(frozen=True, slots=True)
class _Measured:
    rollout: Ended
    repeated: bool
    returned: bool
    from_commit: float | None
    from_merge: float | None
    to_restore: float | None

    @property
    def failed(self) -> bool:
        return self.returned or self.rollout.status in {Outcome.ROLLED_BACK, Outcome.BROKEN}


def _measured(ended: Sequence[Ended]) -> Iterator[_Measured]:
    """Yield every change of one place, from everything that ended there, in its order."""
    deployed: set[str] = set()
    for index, one in enumerate(ended):
        if one.kind != _DEPLOY:
            continue
        good = one.status == Outcome.DEPLOYED
        repeated = good and one.commit in deployed
        if good and one.commit:
            deployed.add(one.commit)
        after = _next(ended, index) if good else None
        returned = after is not None and after.kind == ROLLBACK
        fresh = good and not repeated
        yield _Measured(
            one,
            repeated,
            returned,
            _seconds(one.committed_at, one.at) if fresh else None,
            _seconds(one.merged_at, one.at) if fresh else None,
            _seconds(one.live_at or one.at, after.at if after and returned else _restored(ended, index)),
        )


def _next(ended: Sequence[Ended], index: int) -> Ended | None:
    """Give what replaced a deployment, or broke in its place: what a person does then is no word against it."""
    later = (ended[at] for at in range(index + 1, len(ended)))
    return next((one for one in later if (one.status, one.kind) in _REPLACING), None)


def _restored(ended: Sequence[Ended], index: int) -> datetime | None:
    one = ended[index]
    if one.status == Outcome.ROLLED_BACK:
        return one.at
    if one.status != Outcome.BROKEN:
        return None
    later = (ended[at] for at in range(index + 1, len(ended)))
    return next((other.at for other in later if other.status in _RESTORED and other.at > one.at), None)


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin and end and begin <= end else None


def _counted(key: tuple[str, str, str], group: Sequence[_Measured]) -> Counted:
    statuses = [one.rollout.status for one in group]
    return Counted(
        *(key[0], key[1], key[2] or None),
        deployed=statuses.count(Outcome.DEPLOYED),
        returned=sum(one.returned for one in group),
        rolled_back=statuses.count(Outcome.ROLLED_BACK),
        broken=statuses.count(Outcome.BROKEN),
        aborted=statuses.count(Outcome.ABORTED),
        repeated=sum(one.repeated for one in group),
        lead_commit=_median(one.from_commit for one in group),
        lead_merge=_median(one.from_merge for one in group),
        restore=_median(one.to_restore for one in group),
        open=sum(one.failed and one.to_restore is None for one in group),
    )


def _median(values: Iterable[float | None]) -> Median:
    known = [value for value in values if value is not None]
    return Median(len(known), median(known) if known else None)
