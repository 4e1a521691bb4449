"""Delivery metrics: how often, how fast, how often wrong, how long until right again. Definitions: docs/metrics.md."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.door import eyes_of
from lockgate.board.known import Answer
from lockgate.board.pages.shown import page
from lockgate.board.places import places
from lockgate.board.wiring import board_of
from lockgate.core.board.columns import Column, columns
from lockgate.core.board.overview import ServiceRow
from lockgate.core.board.places import fitting
from lockgate.core.budgets import Promises
from lockgate.core.metrics import Counted, Period, Question, buckets
from lockgate.core.metrics_report import question
from lockgate.core.redaction import printable

SPANS = {"30d": "30 days", "90d": "90 days", "26w": "half a year", "52w": "a year"}
SECONDS = 60.0
"""An answer that counts months need not be newer than this."""
SERVICES = 25
"""Services on one page at most."""
ROLLOUTS = 4_000
"""Rollouts that are counted for one page, about: each takes 17 microseconds of the database."""
WIDTH = 620


@dataclass(frozen=True, slots=True)
class Shown:
    """One place: its numbers and its chart."""

    whole: Counted
    chart: Markup
    promises: Promises | None


async def delivery(request: Request) -> Response:
    """Show every place that anything ended in, as many services as are counted at once. `?after=` goes on after one."""
    board, query = board_of(request), request.query_params
    service, environment = query.get("service", "").strip()[:100], query.get("environment", "").strip()[:200]
    since, by = query.get("since", "90d"), query.get("by", "week")
    problem, asked, answer, more = "", None, None, ""
    try:
        # To the minute: whoever asks within it asks the same.
        now = board.now().replace(second=0, microsecond=0)
        asked = question((service, environment), since, "", Period(by), now)
    except ValueError as error:
        problem = str(error)
    shown: list[Shown] = []
    if asked is not None:
        answer, kept, more = await _counted(request, asked, query.get("after", ""))
        shown = await board.known.run(partial(_places, asked, answer.value, kept))
    return page(
        request,
        "delivery.html",
        answer,
        400 if problem else 200,
        problem=problem,
        places=shown,
        asked=asked,
        wanted={"service": service, "environment": environment, "since": since, "by": by},
        after=query.get("after", ""),
        more=more,
        spans=SPANS,
        periods=list(Period),
        weeks=(asked.until - asked.since).total_seconds() / 604_800 if asked else 1,
        total=_total([one.whole for one in shown], [one.promises for one in shown if one.promises]),
    )


async def _counted(
    request: Request, asked: Question, after: str
) -> tuple[Answer[Sequence[Counted]], Sequence[Promises], str]:
    """Count as many services as are not too much to count at once; give the last of them where there are more."""
    board, eyes = board_of(request), eyes_of(request)
    names, more = [asked.service], ""
    if not asked.service:
        rows = (await places(request)).value.rows
        left = [row.service for row in rows if row.service > after and _has(row, asked.environment)]
        some = tuple(left[:SERVICES])
        busy = await board.known.ask(("busy", some, asked.since), lambda: board.store.busy(some, asked.since), SECONDS)
        names = fitting(some, busy.value, ROLLOUTS)
        more = names[-1] if len(names) < len(left) else ""
    if not names:
        return Answer([], 0.0), [], ""
    store, ask, key = board.store, board.known.ask, (eyes, asked, tuple(names))
    answer, kept = await asyncio.gather(
        ask(("delivery", *key), lambda: store.metrics(eyes, asked, names), SECONDS),
        ask(("budgets", *key), lambda: store.budgets(eyes, asked, names), SECONDS),
    )
    return answer, kept.value, more


def _has(row: ServiceRow, environment: str) -> bool:
    return not environment or any(cell.environment == environment for cell in row.cells)


def _places(asked: Question, counted: Sequence[Counted], kept: Sequence[Promises]) -> list[Shown]:
    promises = {(one.service, one.environment): one for one in kept}
    by_place: dict[tuple[str, str], dict[str | None, Counted]] = defaultdict(dict)
    for one in counted:
        by_place[one.service, one.environment][one.bucket] = one
    """Draw every place; of hundreds of periods that takes so long that nobody else may wait for it."""
    names = buckets(asked)
    shown = []
    for (service, environment), found in sorted(by_place.items()):
        whole = found.get(None)
        if whole is None:
            continue
        bars = [_column(name, found.get(name)) for name in names]
        title = printable(f"Changes of {service} in {environment}, by {asked.period}")
        chart = Markup(columns(bars, width=WIDTH, title=title))  # noqa: S704 - it escapes
        shown.append(Shown(whole, chart, promises.get((service, environment))))
    return shown


def _column(name: str, one: Counted | None) -> Column:
    return Column(name, one.changes - one.failed, one.failed) if one else Column(name, 0, 0)


def _total(whole: Sequence[Counted], promises: Sequence[Promises]) -> dict[str, int]:
    """Add up what can be added: counts. Medians of several places are no median of all of them."""
    return {
        "deployed": sum(one.deployed for one in whole),
        "failed": sum(one.failed for one in whole),
        "changes": sum(one.changes for one in whole),
        "open": sum(one.open for one in whole),
        "kept": sum(one.kept for one in promises),
        "measured": sum(one.measured for one in promises),
    }
