"""One board, wired: what every page and endpoint works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from lockgate.board.door import Door
from lockgate.board.known import Known
from lockgate.board.live.hub import Hub
from lockgate.board.prometheus import Meters
from lockgate.board.settings import Settings
from lockgate.core.board.rows import BoardStore


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run of the pipeline that waits for a person."""

    environment: str
    version: str
    title: str
    by: str
    since: str
    url: str
    """Where to say yes or no; the board never does it for anybody."""
    reviewers: tuple[str, ...] = ()


class Approvals(Protocol):
    """Knows which runs wait for approval. Blocking; raises GitHubError."""

    def waiting(self) -> Sequence[Waiting]:
        """Give them, the oldest first."""
        ...


class Dispatch(Protocol):
    """Starts the pipeline. Blocking; raises GitHubError."""

    def start(self, ref: str, inputs: Mapping[str, str]) -> str:
        """Ask for a run of the workflow on a branch or tag; give the page where it will be."""
        ...


@dataclass(slots=True)
class Board:
    """What the application is made of."""

    settings: Settings
    store: BoardStore
    known: Known
    door: Door
    hub: Hub
    meters: Meters
    now: Callable[[], datetime]
    approvals: Approvals | None = None
    dispatch: Dispatch | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def board_of(connection: HTTPConnection) -> Board:
    """Give the board that a request was made to."""
    found: Board = connection.app.state.board
    return found
