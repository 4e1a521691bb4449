"""A board in this process, over a ledger in a file: asked without a network."""

import random
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from lockgate.adapters.board.sqlite import SqliteBoard
from lockgate.adapters.board.wakes import SqliteWake
from lockgate.adapters.clock import SystemClock
from lockgate.board.app import create_app
from lockgate.board.assembly import assemble
from lockgate.board.server import bind, serve
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


@dataclass
class Served:
    """A board behind a real port."""

    made: Running
    port: int
    thread: threading.Thread
    server: uvicorn.Server

    @property
    def origin(self):
        return f"http://localhost:{self.port}"

    def end(self):
        """Ask it to end, and wait until it has."""
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def served(tmp_path, monkeypatch, settings, prepare=lambda listening: None):
    """Serve a board as the command does, in a thread."""
    listening = bind(replace(settings, port=0))
    prepare(listening)
    port = listening.getsockname()[1]
    made = started(tmp_path, replace(settings, port=port))
    servers = []
    real = uvicorn.Server
    monkeypatch.setattr(uvicorn, "Server", lambda config: servers.append(real(config)) or servers[0])
    thread = threading.Thread(target=serve, args=(made.client.app, settings, listening))
    thread.start()
    end = time.monotonic() + 20
    while not (servers and servers[0].started):
        assert time.monotonic() < end
        time.sleep(0.005)
    one = Served(made, port, thread, servers[0])
    try:
        yield one
    finally:
        one.end()


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
