"""`/badge/SERVICE/ENVIRONMENT.svg`."""

from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.places import places
from lockgate.core.board.badge import badge
from lockgate.core.board.overview import Cell

HEADERS = {"Cache-Control": "max-age=30", "Cross-Origin-Resource-Policy": "cross-origin"}
"""A README is on another page; GitHub's proxy keeps a badge for as long as it is told to."""


async def show(request: Request) -> Response:
    """Draw what serves in a place. One that nobody knows, or that the viewer may not see, has a badge that says so."""
    service, environment = request.path_params["service"], request.path_params["environment"]
    here = (await places(request)).value.serving.get(service, {}).get(environment)
    cell = Cell(environment, here, None, None) if here else None
    return Response(badge(environment, cell), media_type="image/svg+xml", headers=HEADERS)
