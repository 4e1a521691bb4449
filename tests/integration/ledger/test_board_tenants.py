"""A board for somebody who may see one service of several, over a file and over a database with policies of its own."""

import json
import random

import pytest

from lockgate.adapters.board.postgres import PostgresBoard
from lockgate.core.chain import damages
from tests.integration.board.conftest import ORIGIN
from tests.integration.board.signing import board
from tests.integration.ledger import kinds
from tests.integration.ledger.lives import recent

API = "/api/deployments"
HISTORY = recent(random.Random(4), 12)


@pytest.fixture(params=["sqlite", "postgres"])
def tenants(request, tmp_path):
    """A board over the rows of several services, for somebody who may see one of them."""
    if request.param == "sqlite":
        with board(tmp_path, history=HISTORY) as made:
            yield made, made.made.kind.ledger
        return
    databases, name = request.getfixturevalue("databases"), request.getfixturevalue("database")
    kind = kinds.postgres_kind(databases, name)
    with kind.owner() as db:
        db.execute("grant authenticated to deployer")  # as docs/board.md has it for the board's own user
    store = PostgresBoard(kind.secret, connections=2)
    with board(tmp_path, store=store, ledger=kind.ledger, history=HISTORY) as made:
        yield made, kind.ledger
    kind.close()


def test_rows_of_another_tenant_by_their_id(tenants):
    """They are not there: not by id, not by filter, not by cursor, not in the feed; by the database's own policies."""
    signing, ledger = tenants
    signing.made.caught_up()
    rows = ledger.deployments(limit=50)
    mine = [row.id for row in rows if row.service == "till"]
    foreign = [row.id for row in rows if row.service != "till"]
    assert mine
    assert foreign
    signing.sign_in(services=["till"])
    assert [one["id"] for one in signing.get(f"{API}?limit=50").json()["deployments"]] == mine
    assert signing.get(f"{API}?service=shop").json()["deployments"] == []
    for path in (f"{API}/{foreign[0]}", f"/rollouts/{foreign[0]}"):
        assert signing.get(path).status_code == 404
    assert signing.get(f"{API}/{mine[0]}").status_code == 200
    for path in ("/", "/history", "/compare", "/delivery"):
        assert "shop" not in signing.get(path).text
    with signing.client.websocket_connect(
        f"ws://localhost:7171/live?after=0.{'0' * 12}", headers={"origin": ORIGIN}
    ) as feed:
        assert {one["service"] for one in json.loads(feed.receive_text())["events"]} == {"till"}
    signing.sign_in(services=None)
    assert signing.get(f"{API}?limit=50").json()["deployments"] == []


def test_a_write_is_kept_by_the_ledger_that_the_board_reads(tenants):
    """With who asked, by the rights that the board has; the chain holds, and no deployment comes of it."""
    signing, ledger = tenants
    before = ledger.deployments(limit=200)
    signing.sign_in()
    body = {"platform": "azure", "environment": "production", "branch": "main"}
    assert signing.client.post(API, json=body, headers={"x-csrf-token": signing.word()}).status_code == 202
    links = list(ledger.links(0))
    assert [one.kind for one in links[-2:]] == ["board.asked", "board.answered"]
    assert ledger.events(links[-1].rollout)[0].data["by"]["subject"] == "ada-1"
    assert list(damages(ledger.chain(), links)) == []
    assert ledger.deployments(limit=200) == before
