"""Errors for programs: RFC 9457, `application/problem+json`."""

from typing import Any

from starlette.responses import JSONResponse

TYPE = "application/problem+json"


def problem(status: int, title: str, detail: str = "", **more: Any) -> JSONResponse:
    """Say what went wrong; `more` are members of its own, such as the fields that are wrong."""
    told = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse({name: value for name, value in told.items() if value != ""}, status, media_type=TYPE)
