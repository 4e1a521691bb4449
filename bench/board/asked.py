"""What people and programs ask of the board, each with parameters drawn from what there is."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from bench.board import starts
from bench.ledger.questions import Parameters, parameters
from lockgate.core.board.query import Filter, Page

Address = Callable[[Parameters], str]


def _history(*names: str, path: str = "/history", **fixed: str) -> Address:
    return lambda given: f"{path}?{urlencode({**fixed, **{_NAMES[name]: given[name] for name in names}})}"


_NAMES = {"service": "service", "environment": "environment", "person": "by", "short": "commit", "word": "text",
          "since": "since", "until": "until"}  # fmt: skip


def _further(path: str) -> Address:
    """Give a page in the middle of the history, by a cursor."""

    def address(given: Parameters) -> str:
        return f"{path}?{urlencode({'cursor': Page(50, given['at'], given['id']).cursor(Filter())})}"

    return address


STARTS = "POST /api/deployments"
ADDRESSES: dict[str, tuple[float, Address]] = {
    "/ (environments)": (16, lambda _: "/"),
    "/ of one service": (4, lambda given: f"/?find={given['service']}"),
    "/history": (8, lambda _: "/history"),
    "/history of a service": (6, _history("service")),
    "/history of a place": (4, _history("service", "environment")),
    "/history rolled back": (3, _history(status="rolled_back")),
    "/history by a person": (3, _history("person")),
    "/history by commit": (3, _history("short")),
    "/history: words of few": (3, _history("word")),
    "/history: words of many": (2, _history(text="person-12")),
    "/history: words of none": (2, _history(text="no such words")),
    "/history: three days": (2, _history("since", "until")),
    "/history further back": (4, _further("/history")),
    "/rollouts/ID": (12, lambda given: f"/rollouts/{given['id']}"),
    "/delivery": (3, lambda _: "/delivery"),
    "/delivery, a year": (2, lambda _: "/delivery?since=52w&by=month"),
    "/delivery of a service": (3, lambda given: f"/delivery?service={given['service']}"),
    "/approvals": (3, lambda _: "/approvals"),
    "/compare": (4, lambda given: f"/compare?service={given['service']}"),
    "/api/deployments": (4, lambda _: "/api/deployments"),
    "/api/deployments filtered": (4, _history("service", "environment", path="/api/deployments", status="deployed")),
    "/api/deployments further back": (3, _further("/api/deployments")),
    "/api/deployments/ID": (4, lambda given: f"/api/deployments/{given['id']}"),
    STARTS: (1, lambda _: starts.PATH),
    "/api/environments": (3, lambda _: "/api/environments"),
    "/api/openapi.json": (1, lambda _: "/api/openapi.json"),
    "/badge/...svg": (3, lambda given: f"/badge/{given['service']}/{given['environment']}.svg"),
    "/static/board.css": (2, lambda _: "/static/board.css"),
    "/livez": (1, lambda _: "/livez"),
    "/readyz": (1, lambda _: "/readyz"),
    "/health": (1, lambda _: "/health"),
    "/metrics": (1, lambda _: "/metrics"),
}
"""Name -> how often among a hundred or so, and how its address is made."""


def draws(deployments: int, chance: random.Random) -> Callable[[], Parameters]:
    """Give what draws parameters for every address."""
    draw = parameters(deployments, chance, "*")

    def more() -> Parameters:
        given = draw()
        day = datetime.now(UTC) - timedelta(days=chance.randrange(10, 350))
        number = int(given["id"][1:])
        return given | {
            "short": given["commit"][:9], "word": f"1.{number}",
            "since": f"{day:%Y-%m-%d}", "until": f"{day + timedelta(days=2):%Y-%m-%d}",
        }  # fmt: skip

    return more


def choice(chance: random.Random, *, starting: bool) -> Callable[[], str]:
    """Give what draws the name of an address by its weight, with or without those that start a deployment."""
    names = [name for name in ADDRESSES if starting or name != STARTS]
    weights = [ADDRESSES[name][0] for name in names]
    return lambda: chance.choices(names, weights)[0]
