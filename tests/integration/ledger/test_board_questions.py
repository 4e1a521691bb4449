"""Addresses that no database can be asked for, to a board over PostgreSQL: refused, and it is away to nobody."""

import asyncio

import pytest
from starlette.testclient import TestClient

from lockgate.adapters.board.postgres import PostgresBoard
from lockgate.adapters.board.wakes import PostgresWake
from lockgate.adapters.clock import SystemClock
from lockgate.board.app import create_app
from lockgate.board.assembly import assemble
from lockgate.board.known import Known
from lockgate.board.settings import Settings
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.viewer import ITSELF
from lockgate.errors import LedgerRefusedError
from tests.integration.ledger import kinds

SAID = "2026-11-01T10:00:00.000+00:00"


@pytest.fixture
def store(databases, database):
    kind = kinds.postgres_kind(databases, database)
    made = PostgresBoard(kind.secret, connections=2)
    yield made
    made.close()
    kind.close()


@pytest.fixture
def client(store):
    board = assemble(Settings(tick=0.01, cache_seconds=0), store, PostgresWake(store.dsn), SystemClock())
    app = create_app(board, lambda _: None)
    with TestClient(app, base_url="http://localhost:7171", raise_server_exceptions=False) as made:
        yield made


def cursor(at, rollout):
    return Page(20, at, rollout).cursor(Filter())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/deployments/%00", 404),
        ("/rollouts/%00", 404),
        ("/rollouts/a%1Fb", 404),
        ("/delivery?service=%00x", 400),
        ("/delivery?environment=%00x", 400),
        ("/delivery?after=%00x", 200),
        ("/history?by=%00x", 400),
        (f"/history?cursor={cursor('2026-W01-1', 'r1')}", 400),
        (f"/api/deployments?cursor={cursor('2026-11-01T10:00:00.000+00:00:30', 'r1')}", 400),
        (f"/api/deployments?cursor={cursor(SAID, chr(0))}", 400),
        (f"/api/deployments?cursor={cursor(SAID, chr(0xD83D))}", 400),
        (f"/api/deployments?cursor={cursor('0001-01-01T00:00:00.000+00:00', 'r1')}", 200),
        (f"/api/deployments?cursor={cursor('9999-12-31T23:59:59.999+00:00', 'r1')}", 200),
        ("/compare?service=%00&from=%00&to=%00", 200),
        ("/badge/%00/%00.svg", 200),
    ],
)
def test_what_no_database_can_be_asked_is_refused_to_the_one_who_asks(client, path, status):
    """Twice, as whoever wants to do harm would; meanwhile everybody else is answered."""
    for _ in range(2):
        assert client.get(path).status_code == status
        assert client.get("/api/deployments").status_code == 200
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("place", [Page(20, "no time", "r1"), Page(20, SAID, "\0")])
def test_a_question_that_the_database_refuses_is_no_outage(store, place):
    """By its server or by its client: whatever a door lets through, the ledger is not away for it."""

    async def scenario():
        known = Known(lambda: 0.0, 1.0)
        try:
            with pytest.raises(LedgerRefusedError, match="does not take what it was told"):
                await known.ask("bad", lambda: store.history(ITSELF, Filter(), place))
            assert known.problem is None
            assert (await known.ask("good", lambda: store.history(ITSELF, Filter(), Page()))).value.rows == []
        finally:
            known.close()

    asyncio.run(asyncio.wait_for(scenario(), 20))
