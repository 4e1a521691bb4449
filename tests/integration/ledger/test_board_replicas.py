"""Two replicas of one board over one PostgreSQL and one Redis: what they tell, do once, count, and do without Redis."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
import redis
from starlette.testclient import TestClient

from lockgate.adapters.board.postgres import PostgresBoard
from lockgate.adapters.board.redis import RedisShared
from lockgate.adapters.board.wakes import PostgresWake
from lockgate.adapters.clock import SystemClock
from lockgate.board.app import create_app
from lockgate.board.assembly import assemble
from lockgate.board.auth.door import SignInDoor
from lockgate.board.auth.sessions import Sessions
from lockgate.board.settings import Settings
from lockgate.core.board.access import Access
from lockgate.core.board.service_token import ServiceToken, hashed
from lockgate.core.board.viewer import Role
from tests import redis_server
from tests.integration.ledger import kinds
from tests.integration.ledger.lives import history

SECRET = b"what the replicas know and nobody else"
FAR = datetime(2100, 1, 1, tzinfo=UTC).date()
TOKENS = (ServiceToken("eve", Role.VIEWER, "till", FAR, hashed("lgb_eve")),
          ServiceToken("ada", Role.OPERATOR, "*", FAR, hashed("lgb_ada")))  # fmt: skip
ADA, EVE = ({"Authorization": f"Bearer lgb_{name}"} for name in ("ada", "eve"))
WANTED = {"platform": "azure", "environment": "production", "branch": "main"}


class Starts:
    """What would start the pipeline; it takes a moment, so that two can be on their way."""

    def __init__(self):
        self.asked = []

    def start(self, ref, inputs):
        self.asked.append((ref, dict(inputs)))
        time.sleep(0.05)
        return "https://github.com/ada/shop/actions"


class Replica:
    """One of them, in this process with a loop of its own."""

    def __init__(self, dsn, redis_url, dispatch):
        store = PostgresBoard(dsn, connections=2)
        door = SignInDoor(None, Access(), Sessions(("x" * 40,), False, 1), SystemClock().now, TOKENS)
        settings = Settings(tick=0.01, cache_seconds=60)
        self.board = assemble(settings, store, PostgresWake(store.dsn), SystemClock(), door=door, dispatch=dispatch,
                              shared=RedisShared(redis_url), secret=SECRET)  # fmt: skip
        self.client = TestClient(create_app(self.board, lambda _: None), base_url="http://localhost:7171")

    def environments(self, who):
        """Give the versions that somebody sees, by place, and whether the ledger was asked for them."""
        before = self.board.known.misses
        found = self.client.get("/api/environments", headers=who).json()["environments"]
        versions = {(one["service"], one["environment"]): one["version"] for one in found}
        return versions, self.board.known.misses > before

    def ask(self, key):
        return self.client.post("/api/deployments", json=WANTED, headers={**ADA, "Idempotency-Key": key})

    def cache(self):
        return self.client.get("/health").json()["components"]["cache"]

    def follows(self, head):
        end = time.monotonic() + 30
        while self.board.hub.head != head:
            assert time.monotonic() < end, "it does not follow"
            time.sleep(0.01)


@pytest.fixture
def server(tmp_path):
    if redis_server.program() is None:
        pytest.skip("no Redis server: set LOCKGATE_TEST_REDIS to the path of one, 6.2 or later")
    made = redis_server.RedisServer(tmp_path).start()
    yield made
    made.end()


@pytest.fixture
def replicas(databases, database, server):
    kind = kinds.postgres_kind(databases, database)
    entries, _ = history(random.Random(5), 12)
    kind.ledger.replay(entries)
    with kind.owner() as db:
        db.execute("grant authenticated to deployer")  # as the board's own user is
    dispatch = Starts()
    with ExitStack() as stack:
        pair = [Replica(kind.secret, server.url, dispatch) for _ in range(2)]
        for one in pair:
            stack.enter_context(one.client)
            one.follows(one.board.store.head())
        yield kind, server, dispatch, pair
    kind.close()


def test_replicas_agree_and_share_what_they_know(replicas):
    """One asks the ledger and both know; nobody is given what was read for somebody else; what happens is known at once."""
    kind, server, dispatch, (first, second) = replicas
    seen, asked = first.environments(ADA)
    assert (asked, {service for service, _ in seen}) == (True, {"shop", "till"})
    assert second.environments(ADA) == (seen, False)
    assert second.board.known.answers.hits == 1
    till, asked = second.environments(EVE)
    assert (asked, {service for service, _ in till}) == (True, {"till"})
    assert first.environments(EVE) == (till, False)
    later, _ = history(random.Random(9), 14)
    kind.ledger.replay(later[-2:])
    for one in (first, second):
        one.follows(one.board.store.head())
    assert first.environments(ADA)[1], "an answer from before was given for the ledger of now"
    assert second.environments(ADA) == (first.environments(ADA)[0], False)
    # Whoever may write to Redis can make nobody believe anything.
    client = redis.Redis.from_url(server.url)
    for name in client.scan_iter("*answer*"):
        client.set(name, client.get(name).replace(b"till", b"evil"))
    second.board.known._entries.clear()
    assert second.environments(ADA) == (first.environments(ADA)[0], True)
    client.close()
    # The same request to both at once: one starts, the other gives its reply, or says that it is on its way.
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: one.ask("once"), (first, second)))
    assert sorted(one.status_code for one in answers) in ([202, 202], [202, 409])
    again = [one.ask("once") for one in (first, second)]
    assert [one.status_code for one in again] == [202, 202]
    assert all("idempotency-replayed" in one.headers for one in again)
    assert len(dispatch.asked) == 1
    # What somebody may do is counted by both together: 20 at once.
    codes = [(first, second)[number % 2].ask(f"n{number}").status_code for number in range(20)]
    assert codes[:15] == [202] * 15
    assert codes[-1] == 429


def test_without_redis_each_replica_is_for_itself(replicas):
    """It being away costs nobody a page: health says so, what was done stays done where it was done, and it is used again."""
    _, server, dispatch, (first, second) = replicas
    assert first.cache()["state"] == "ok"
    assert first.ask("before").status_code == 202
    server.end()
    for one in (first, second):
        seen, asked = one.environments(ADA)
        assert (asked, len(seen)) == (True, 3)
        assert one.client.get("/readyz").status_code == 200
        health = one.client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        told = one.cache()
        assert told["state"] == "degraded"
        assert "each replica is for itself" in told["detail"]
        assert "word-of-the-tests" not in health.text
    assert first.ask("before").headers["idempotency-replayed"] == "true"
    assert first.ask("away").status_code == first.ask("away").status_code == 202
    assert len(dispatch.asked) == 2
    server.start()
    for one in (first, second):
        one.board.shared._until = 0.0  # the pause is over
        assert one.cache()["state"] == "ok"
    first.board.known._entries.clear()
    second.board.known._entries.clear()
    assert first.environments(ADA)[1]
    assert not second.environments(ADA)[1]
