"""A board in this process, over a ledger in a file: asked without a network."""

import random
import shutil
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.testclient import TestClient

from lockgate.adapters.board.sqlite import SqliteBoard
from lockgate.adapters.board.wakes import SqliteWake
from lockgate.adapters.clock import SystemClock
from lockgate.board.app import create_app
from lockgate.board.assembly import assemble
from lockgate.board.settings import Settings
from tests.integration.ledger import kinds
from tests.integration.ledger.lives import recent
from tests.integration.ledger.scripted import Scripted

ORIGIN = "http://localhost:7171"


@dataclass
class Running:
    """A board under test, with its ledger."""

    client: TestClient
    kind: Any
    board: Any
    lines: list = field(default_factory=list)

    def get(self, path, **more):
        return self.client.get(path, **more)

    def caught_up(self):
        """Wait until the live feed has read the whole ledger."""
        end = time.monotonic() + 20
        while self.board.hub.head != self.board.store.head():
            assert time.monotonic() < end, "the live feed does not follow"
            time.sleep(0.005)
        return self


def started(tmp_path, settings=None, **parts):
    """Make a board; use it as a context, so that its feed runs."""
    kind = kinds.sqlite_kind(tmp_path / "state")
    store = parts.pop("store", None) or SqliteBoard(kind.path)
    wake = SqliteWake(SqliteBoard(kind.path).version)
    board = assemble(settings or Settings(tick=0.01, cache_seconds=0), store, wake, SystemClock(), **parts)
    lines: list[str] = []
    client = TestClient(create_app(board, lines.append), base_url=ORIGIN, raise_server_exceptions=False)
    return Running(client, kind, board, lines)


@pytest.fixture
def running(tmp_path):
    """A board over an empty ledger."""
    made = started(tmp_path)
    with made.client:
        yield made


@pytest.fixture(scope="session")
def past(tmp_path_factory):
    """A ledger with a past: 40 rollouts, and two by the real engine, the second of which went back."""
    kind = kinds.sqlite_kind(tmp_path_factory.mktemp("past"))
    kind.ledger.replay(recent(random.Random(3), 40))
    Scripted(kind.ledger).run("good-1")
    Scripted(kind.ledger, healthy=False).run("bad-1")
    return kind.path


@pytest.fixture
def lived(past, tmp_path):
    """A board over that ledger."""
    (tmp_path / "state").mkdir()
    shutil.copy(past, tmp_path / "state" / "ledger.db")
    made = started(tmp_path)
    with made.client:
        yield made
