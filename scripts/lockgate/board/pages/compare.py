"""Two environments of a service: what would change if one release were promoted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.door import eyes_of
from lockgate.board.pages.shown import page
from lockgate.board.places import places
from lockgate.board.wiring import board_of
from lockgate.core.board.facts import Fact, facts
from lockgate.core.board.findings import Found, delta
from lockgate.core.board.overview import rank
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.rows import Serving
from lockgate.core.board.story import tell
from lockgate.core.board.viewer import Viewer
from lockgate.core.ledger import Deployment

MOST = 50
"""Releases between two environments that are listed."""
_GROUPS = frozenset({"tests", "scan", "build"})
_EACH = ("New with it", "CVE-")
"""What is compared finding by finding."""


@dataclass(frozen=True, slots=True)
class _Side:
    facts: list[Fact]
    scan: Mapping[str, Any] | None


async def compare(request: Request) -> Response:
    """Show both sides, what lies between them, and what their dossiers say. `?service=&from=&to=`."""
    eyes, query = eyes_of(request), request.query_params
    told = await places(request)
    service = query.get("service", "")
    there = told.value.serving.get(service, {})
    names = sorted(there, key=rank)
    given = (query.get("from", ""), query.get("to", ""))
    new, old = (there.get(name) for name in given) if any(given) else _last_two(there, names)
    between: list[Deployment] = []
    sides: dict[str, _Side] = {}
    if new and old:
        between = await _between(request, eyes, new, old)
        sides = {one.environment: await _dossier(request, eyes, one) for one in (new, old)}
    return page(
        request,
        "compare.html",
        told,
        service=service,
        services=sorted(told.value.serving),
        names=names,
        new=new,
        old=old,
        given=given,
        between=between,
        differences=_differences(sides[new.environment].facts, sides[old.environment].facts) if new and old else [],
        findings=_findings(sides[new.environment], sides[old.environment]) if new and old else None,
    )


def _last_two(there: Mapping[str, Serving], names: list[str]) -> tuple[Serving | None, Serving | None]:
    return (there[names[-2]], there[names[-1]]) if len(names) > 1 else (None, None)


async def _between(request: Request, eyes: Viewer, new: Serving, old: Serving) -> list[Deployment]:
    """Give what was deployed to the first environment since it had what the second one has, the newest first."""
    board = board_of(request)
    wanted = Filter(service=new.service, environment=new.environment, status="deployed")
    place = Page(MOST)
    found = await board.known.ask(("history", eyes, wanted, place), lambda: board.store.history(eyes, wanted, place))
    listed: list[Deployment] = []
    for row in found.value.rows:
        if row.metadata.get("digest") == old.digest:
            break
        listed.append(row)
    return listed


async def _dossier(request: Request, eyes: Viewer, serving: Serving) -> "_Side":
    """Give what is known of the release that serves: from the rollout that brought it."""
    board = board_of(request)
    wanted = Filter(service=serving.service, environment=serving.environment, status="deployed")
    place = Page(MOST)
    found = await board.known.ask(("history", eyes, wanted, place), lambda: board.store.history(eyes, wanted, place))
    row = next((one for one in found.value.rows if one.metadata.get("digest") == serving.digest), None)
    if row is None:
        return _Side([], None)
    name = row.id
    told = await board.known.ask(("story", eyes, name), lambda: tell(board.store.journal(eyes, name)))
    story = told.value
    known = [fact for fact in facts(row, story) if fact.group in _GROUPS and not fact.name.startswith(_EACH)]
    return _Side(known, story.scan)


def _findings(new: "_Side", old: "_Side") -> tuple[list[Found], list[Found]] | None:
    """Give what would come and what would go; None where one of them was not scanned."""
    return delta(new.scan, old.scan) if new.scan is not None and old.scan is not None else None


def _differences(new: list[Fact], old: list[Fact]) -> list[tuple[str, str, str]]:
    """Give each fact that is not the same on both sides: its name, the old value, the new one."""
    before, after = ({fact.name: fact.value for fact in side} for side in (old, new))
    names = list(dict.fromkeys([*after, *before]))
    return [
        (name, before.get(name, "not known"), after.get(name, "not known"))
        for name in names
        if before.get(name) != after.get(name)
    ]
