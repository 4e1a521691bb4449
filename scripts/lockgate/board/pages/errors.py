"""What went wrong, as a page for people and as problem+json for programs."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lockgate.board.api.problems import problem
from lockgate.board.pages.shown import page
from lockgate.errors import LedgerSlowError, LockgateError


async def http_error(request: Request, error: Exception) -> Response:
    """A page that is not there, a method that is not known, a filter that makes no sense."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    headers = error.headers if isinstance(error, HTTPException) else None
    return _told(request, status, HTTPStatus(status).phrase, detail, headers)


async def ledger_error(request: Request, error: Exception) -> Response:
    """The ledger is away, and nothing is known that could be shown instead."""
    what = error.what if isinstance(error, LockgateError) else ""
    title = "The ledger cannot be read"
    if isinstance(error, LedgerSlowError):
        title, what = "That takes the ledger too long", "Narrow it: name a service, an environment or some days."
    return _told(request, 503, title, what, {"Retry-After": "2"})


def _told(request: Request, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    if request.url.path.startswith("/api/"):
        response: Response = problem(status, title, detail)
    else:
        response = page(request, "error.html", status=status, code=status, title=title, detail=detail)
    response.headers.update(headers or {})
    return response


HANDLERS: Mapping[Any, Any] = {HTTPException: http_error, LockgateError: ledger_error}
