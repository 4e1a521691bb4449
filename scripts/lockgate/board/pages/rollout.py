"""One rollout: its dossier, and while it lasts what happens to it."""

import asyncio
from collections.abc import Iterator

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.door import eyes_of
from lockgate.board.pages.shown import page
from lockgate.board.wiring import board_of, rollout_of
from lockgate.core.board.facts import Fact, facts
from lockgate.core.board.story import Story, tell
from lockgate.core.board.watches import Judged
from lockgate.core.chart_style import Tone
from lockgate.core.charts import Band, Series, odds
from lockgate.core.ledger import Deployment

_LINES = (Tone.FIRST, Tone.THIRD, Tone.SECOND, Tone.CALM)
_BANDS = {"successful": Tone.GOOD, "failed": Tone.BAD, "": Tone.CALM}
WIDE, NARROW = 860, 380


async def rollout(request: Request) -> Response:
    """Show one rollout; 404 also for one that the viewer may not see."""
    board, eyes = board_of(request), eyes_of(request)
    name = rollout_of(request)
    deployment, told = await asyncio.gather(
        board.known.ask(("deployment", eyes, name), lambda: board.store.deployment(eyes, name)),
        board.known.ask(("story", eyes, name), lambda: tell(board.store.journal(eyes, name))),
    )
    if deployment.value is None:
        raise HTTPException(404, "There is no such rollout, or it is of a service that you may not see.")
    story = told.value
    going = await _going(request, deployment.value, story)
    return page(
        request,
        "rollout.html",
        deployment if deployment.problem else told,
        row=deployment.value,
        story=story,
        facts=_groups(facts(deployment.value, story)),
        watches=[(watch, plots(watch)) for watch in (*story.watches, *going)],
        split=list(_split(story)),
    )


async def _going(request: Request, row: Deployment, story: Story) -> list[Judged]:
    """Give the watch that goes on now, as far as it has come; none where the journal knows more already."""
    board, eyes = board_of(request), eyes_of(request)
    if row.status != "in_progress":
        return []
    note = (await board.known.ask(("watching", eyes, row.id), lambda: board.store.watching(eyes, row))).value
    return [note.judged()] if note and story.lines and note.at > story.lines[-1].at else []


def _groups(found: list[Fact]) -> dict[str, list[Fact]]:
    """Put facts of one kind together, in their order."""
    return {group: [one for one in found if one.group == group] for group in dict.fromkeys(one.group for one in found)}


def plots(watch: Judged) -> tuple[Markup, Markup] | None:
    """Draw the evidence of a watch against its limit, wide and narrow; None where there is nothing to draw."""
    lines = [
        Series(one.name, _LINES[number % len(_LINES)], one.points)
        for number, one in enumerate(watch.indicators)
        if one.points
    ]
    if not lines or watch.limit <= 0:
        return None
    end = max(watch.seconds, *(point[0] for line in lines for point in line.points), 0.001)
    title = f"Evidence against the release, {watch.title}: {watch.verdict or 'going on'}"
    bands = [Band(0, end, watch.verdict or "going on", _BANDS.get(watch.verdict, Tone.WARN))]
    wide, narrow = (
        odds(lines, (0, end), limit=watch.limit, bands=bands, width=width, title=title) for width in (WIDE, NARROW)
    )
    # Made of numbers and of names that the chart escapes itself.
    return Markup(wide), Markup(narrow)  # noqa: S704


def _split(story: Story) -> Iterator[tuple[str, int, int, bool]]:
    """Yield each version that has traffic: name, where its bar begins, its length, whether it is the new one."""
    begin = 0
    new = str((story.plan.get("release") or {}).get("version") or "")
    for version, weight in story.traffic:
        if weight > 0:
            yield version, begin, weight, version == new
            begin += weight
