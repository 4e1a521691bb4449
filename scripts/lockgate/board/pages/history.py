"""What was deployed: searched and filtered by the URL, page by page."""

from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.door import eyes_of
from lockgate.board.known import Answer
from lockgate.board.pages.shown import page, url
from lockgate.board.wiring import board_of
from lockgate.core.board.query import STATUSES, Filter, Page
from lockgate.core.board.rows import Slice

PATH = "/history"


async def history(request: Request) -> Response:
    """Show one page of what a filter lets through; a filter that makes no sense is explained in its form."""
    board, eyes = board_of(request), eyes_of(request)
    query = dict(request.query_params)
    try:
        wanted = Filter.parse(query)
        place = Page.parse(query.get("cursor", ""), query.get("limit", ""), wanted)
    except ValueError as error:
        empty: Answer[Slice] = Answer(Slice([], newer=False, older=False), 0)
        told = {"found": empty.value, "wanted": query, "problem": str(error), "links": {}}
        return page(request, "history.html", empty, 400, statuses=STATUSES, **told)
    key = ("history", eyes, wanted, place)
    found = await board.known.ask(key, lambda: board.store.history(eyes, wanted, place))
    return page(
        request,
        "history.html",
        found,
        found=found.value,
        wanted=wanted.to_query(),
        problem="",
        links=links(PATH, wanted, place, found.value),
        statuses=STATUSES,
    )


def links(path: str, wanted: Filter, place: Page, found: Slice) -> dict[str, str]:
    """Give the addresses of the pages around this one: `first`, `newer` and `older`, where they are."""
    query = wanted.to_query()
    size = {"limit": str(place.limit)} if place.limit != Page().limit else {}
    made = {"first": url(path, query, **size)} if place.at else {}
    if found.newer and found.rows:
        first = found.rows[0]
        newer = Page(place.limit, first.deployed_at, first.id, back=True)
        made["newer"] = url(path, query, cursor=newer.cursor(wanted), **size)
    if found.older and found.rows:
        last = found.rows[-1]
        older = Page(place.limit, last.deployed_at, last.id)
        made["older"] = url(path, query, cursor=older.cursor(wanted), **size)
    return made
