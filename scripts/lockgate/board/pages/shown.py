"""Templates, and the words that they are filled with."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from lockgate import __version__
from lockgate.board.door import viewer_of
from lockgate.board.known import Answer
from lockgate.board.wiring import board_of
from lockgate.core.budgets import amount
from lockgate.core.chart_style import STYLE
from lockgate.core.metrics_report import lasting
from lockgate.core.redaction import printable

_HERE = Path(__file__).parents[1]
_STALE = 5.0
"""Seconds after which the age of what is shown is said."""


def page(
    request: Request, template: str, answer: Answer[Any] | None = None, status: int = 200, **told: Any
) -> HTMLResponse:
    """Render a page. `answer` is what it stands on: where that is old, the page says how old, and why."""
    board = board_of(request)
    stale = answer if answer is not None and answer.problem is not None else None
    text = (
        templates()
        .get_template(template)
        .render(
            board=board.settings,
            path=request.url.path,
            query=dict(request.query_params),
            viewer=viewer_of(request) if hasattr(request.state, "viewer") else None,
            csrf=getattr(request.state, "csrf", ""),
            head=getattr(request.state, "head", ""),
            now=board.now(),
            stale=stale,
            version=__version__,
            **told,
        )
    )
    return HTMLResponse(text, status)


def part(template: str, **told: Any) -> Markup:
    """Render a part of a page that is the same for all who see it: without their name, without a word of theirs."""
    return Markup(templates().get_template(template).render(**told))  # noqa: S704 - a template escapes


@cache
def templates() -> Environment:
    """Give the templates, compiled once. What is missing in one is an error, never an empty word."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        # Every text in every place, so that no template can forget it: `plain` alone would have to be remembered.
        finalize=lambda value: plain(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"ago": ago, "clock": clock, "short": short, "words": words, "plain": plain, "lasting": lasting}
    made.filters["amount"] = amount
    made.globals |= {"static": static, "url": url}
    return made


@cache
def static(name: str) -> str:
    """Give the address of a file that may be kept for ever: it has the file's hash."""
    content = STYLE.encode() if name == "charts.css" else (_HERE / "static" / name).read_bytes()
    found = hashlib.sha256(content).hexdigest()[:12]
    return f"/static/{name}?{found}"


def url(path: str, query: Mapping[str, str] | None = None, **more: str) -> str:
    """Write an address of the board; an empty value is left out."""
    told = {name: value for name, value in {**(query or {}), **more}.items() if value}
    return f"{quote(path)}?{urlencode(told)}" if told else quote(path)


def ago(at: str, now: datetime) -> str:
    """Say how long ago something was, in the units that matter."""
    try:
        seconds = (now - datetime.fromisoformat(at)).total_seconds()
    except ValueError:
        return at
    return "just now" if seconds < 1 else f"{lasting(float(int(seconds)))} ago"


def clock(at: str) -> str:
    """Write a moment for people, in UTC, to the second."""
    try:
        return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return at


def short(text: str) -> str:
    """Give the first digits of a hash or digest."""
    return text.removeprefix("sha256:")[:12]


def words(name: str) -> str:
    """Write a name of ours as words."""
    return name.replace("_", " ").replace(".", " ")


def plain(text: object) -> str:
    """Take out what would turn the text around it: control characters, and those that change its direction."""
    return printable(str(text))


def embedded(value: Any) -> str:
    """Write data for a script to read, where no markup can begin in it."""
    return json.dumps(value).replace("<", "\\u003c")
