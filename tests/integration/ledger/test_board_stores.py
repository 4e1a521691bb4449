"""The board's stores: SQLite and PostgreSQL answer alike, page by page, and for each viewer."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest

from lockgate.adapters.board.postgres import PostgresBoard
from lockgate.adapters.board.sqlite import SqliteBoard
from lockgate.adapters.board.wakes import PostgresWake
from lockgate.adapters.watch_notes import to_folder
from lockgate.board.known import Known
from lockgate.board.live.hub import Hub
from lockgate.board.live.rooms import Room
from lockgate.board.live.watcher import Watcher
from lockgate.core.board.findings import short
from lockgate.core.board.query import Filter, Page
from lockgate.core.board.rows import Head
from lockgate.core.board.viewer import ITSELF, Viewer
from lockgate.core.board.watching import WatchNote
from lockgate.core.budgets import Measured, count, in_rollout
from lockgate.core.metrics import Period, Question
from lockgate.core.reasons import Reason
from lockgate.core.samples import GateReport, IndicatorReport, Verdict
from lockgate.errors import LedgerSlowError, LedgerUnavailableError
from tests.integration.ledger import kinds
from tests.integration.ledger.lives import BEGIN, history, recent

ROLLOUTS = 60
SERVICES = ("shop", "till")


@pytest.fixture(params=["sqlite", "postgres"])
def filled(request, tmp_path):
    """A ledger with a history of every kind, and the board's store of it."""
    if request.param == "sqlite":
        kind = kinds.sqlite_kind(tmp_path)
        store = SqliteBoard(kind.path)
    else:
        databases, name = request.getfixturevalue("databases"), request.getfixturevalue("database")
        kind = kinds.postgres_kind(databases, name)
        store = PostgresBoard(kind.secret, connections=2)
    entries, _ = history(random.Random(7), ROLLOUTS)
    for entry in entries:
        kind.ledger.replay([entry])  # one by one: a machine with much to do is slow, and every statement has its limit
    yield kind, store
    store.close()
    kind.close()


def pages(store, wanted, limit, viewer=ITSELF):
    """Walk through a history to its end, and back."""
    page, found = Page(limit), []
    while True:
        got = store.history(viewer, wanted, page)
        found.append([row.id for row in got.rows])
        if not got.older:
            break
        page = Page(limit, got.rows[-1].deployed_at, got.rows[-1].id)
    back = []
    while got.newer:
        page = Page(limit, got.rows[0].deployed_at, got.rows[0].id, back=True)
        got = store.history(viewer, wanted, page)
        back.insert(0, [row.id for row in got.rows])
    assert back == found[:-1]
    return [one for page in found for one in page]


def test_both_stores_read_the_ledger_as_the_ledger_does(filled):
    """Every page of every filter holds what the ledger's own list holds, in its order; what serves is what stands."""
    kind, store = filled
    every = list(kind.ledger.deployments(limit=1000))
    assert len(every) == ROLLOUTS
    whole = Filter()
    assert pages(store, whole, 7) == [one.id for one in every]
    assert store.history(ITSELF, whole, Page(200)).rows == every
    one = every[30]
    message = {"service": one.service, "environment": one.environment}
    for wanted, fits in (
        (Filter(**message), lambda d: (d.service, d.environment) == (one.service, one.environment)),
        (Filter(status="rolled_back"), lambda d: d.status == "rolled_back"),
        (Filter(by="nobody"), lambda _: False),
        (Filter(commit="aaaaa"), lambda d: d.commit_hash.startswith("aaaaa")),
        (Filter(text="R0000"), lambda d: "r0000" in d.id),
        (Filter(text="%_%"), lambda _: False),
        (Filter(since=one.deployed_at[:10]), lambda d: d.deployed_at >= one.deployed_at[:10]),
        (Filter(until=one.deployed_at[:10]), lambda d: d.deployed_at[:10] <= one.deployed_at[:10]),
    ):
        assert pages(store, wanted, 4) == [d.id for d in every if fits(d)], wanted
    for serving in store.serving(ITSELF):
        here = (serving.service, serving.environment)
        last = next(d for d in every if (d.service, d.environment) == here and d.status != "in_progress")
        assert (serving.rollout, serving.status, serving.by) == (last.id, last.status, "ada")
        assert (serving.version, serving.commit, serving.digest) == (
            *(last.version, last.commit_hash),
            last.metadata["digest"],
        )
    assert len(store.serving(ITSELF)) == 3
    assert store.deployment(ITSELF, one.id) == one
    assert store.deployment(ITSELF, "none") is None
    assert list(store.journal(ITSELF, one.id)) == list(kind.ledger.events(one.id))
    assert [d.id for d in store.open(ITSELF)] == [d.id for d in every if d.status == "in_progress"]
    asked = Question("", "", BEGIN, BEGIN.replace(year=2030), Period.MONTH)
    assert list(store.metrics(ITSELF, asked)) == list(kind.ledger.metrics(asked))
    gone_back = returns(kind)
    assert {one.found is None for one in store.serving(ITSELF)} == {True, False}
    for serving in store.serving(ITSELF):
        here = [d for d in every if (d.service, d.environment) == (serving.service, serving.environment)]
        brought = [d for d in here if d.metadata["digest"] == serving.digest]
        itself = next(d for d in brought if d.id == serving.rollout)
        if itself.status == "deployed" and itself.metadata["kind"] == "deploy" and itself.id not in gone_back:
            brought = [itself]
        expected = next((d.metadata["found"] for d in brought if d.metadata.get("found")), None)
        assert serving.found == short(expected), serving
    ended = [
        Measured(d.id, d.service, d.environment, d.version, d.deployed_at, in_rollout(d.metadata.get("budgets")))
        for d in every
        if d.metadata["kind"] == "deploy" and d.status != "in_progress" and d.id not in gone_back
    ]
    assert store.budgets(ITSELF, asked) == count(ended)
    assert {one.name for place in count(ended) for one in place.budgets} == {
        *("coverage", "deploy", "response_p95", "availability")
    }
    assert all(place.kept < place.measured and place.recorded < place.rollouts for place in count(ended))
    some = replace(asked, service="shop", environment="production", since=datetime.fromisoformat(every[20].deployed_at))
    here = [
        one
        for one in ended
        if (one.service, one.environment) == ("shop", "production") and one.at >= every[20].deployed_at
    ]
    assert store.budgets(ITSELF, some) == count(here)
    till = replace(asked, service="till")
    assert list(store.metrics(ITSELF, asked, ["till", "none"])) == list(kind.ledger.metrics(till))
    since = datetime.fromisoformat(every[20].deployed_at)
    rollouts = {
        name: sum(d.service == name and d.deployed_at >= every[20].deployed_at for d in every) for name in SERVICES
    }
    assert store.busy([*SERVICES, "none"], since) == {**rollouts, "none": 0}
    assert list(store.budgets(ITSELF, asked, ["till", "none"])) == list(store.budgets(ITSELF, till))


def returns(kind):
    """Give the rollouts that a person began to go back: what their beginning says of the change."""
    return {d.id for d in kind.ledger.deployments(limit=1000) if kind.ledger.events(d.id)[0].data["change"].get("kind")}


def test_whoever_sees_all_services_finds_what_the_board_finds(filled):
    """By every filter and in the same pages, though the database reads it out as them."""
    kind, store = filled
    store = _as_authenticator(store, kind) if isinstance(store, PostgresBoard) else store
    every = Viewer("ada", claims={"app_metadata": {"lockgate_services": ["*"]}})
    for wanted in (Filter(), Filter(text="r0000"), Filter(status="rolled_back"), Filter(service="till")):
        assert pages(store, wanted, 7, every) == pages(store, wanted, 7)
    if kind.call:
        assert store.history(Viewer("eve", claims={}), Filter(), Page()).rows == []
    store.close()


def test_both_stores_give_the_chain_in_the_order_of_commits(filled):
    """Head, positions and events after one agree with the ledger's own chain; a position to come is none."""
    kind, store = filled
    links = list(kind.ledger.links(0))
    assert store.head() == Head(links[-1].position, links[-1].hash)
    assert store.at(5) == Head(5, links[4].hash)
    assert store.at(0) == Head()
    assert store.at(len(links) + 1) is None
    first = store.after(3, 10)
    assert [item.head for item in first] == [Head(link.position, link.hash) for link in links[3:13]]
    assert [item.event.kind for item in first] == [link.kind for link in links[3:13]]


def test_a_viewer_has_the_rows_of_their_services_alone(filled):
    """Whoever may see one service finds nothing of another one, by list, by search, by id or by number."""
    _kind, store = filled
    ada = Viewer("ada", services=frozenset({"till"}))
    if isinstance(store, PostgresBoard):
        # Even where this process asked for everything, the database gives them no more.
        ada = replace(ada, services=None, claims={"app_metadata": {"lockgate_services": ["till"]}})
        store = _as_authenticator(store, _kind)
    shop = next(row for row in store.history(ITSELF, Filter(service="shop"), Page(1)).rows)
    assert {row.service for row in store.history(ada, Filter(), Page(200)).rows} == {"till"}
    assert {row.service for row in store.serving(ada)} == {"till"}
    assert store.deployment(ada, shop.id) is None
    assert list(store.journal(ada, shop.id)) == []
    assert store.history(ada, Filter(text="shop"), Page()).rows == []
    assert {row.service for row in store.open(ada)} <= {"till"}
    store.close()


def _as_authenticator(store, kind):
    """Read as a role that may become `authenticated`, as the board's own user is."""
    with kind.owner() as db:
        db.execute("grant authenticated to deployer")
    store.close()
    return store


def test_a_watch_that_goes_on_is_read_by_whoever_looks_on(filled, tmp_path):
    """As it was noted last, by the rollout that goes on and for viewers of its service; of one that ended nothing is kept."""
    kind, store = filled
    going = store.open(ITSELF)[0]
    ended = next(row for row in store.history(ITSELF, Filter(status="deployed"), Page(1)).rows)
    write = (lambda note: kind.call("lockgate_watch", {"p_note": note.to_dict()})) if kind.call else to_folder(tmp_path)
    for total in (10, 20):
        seen = IndicatorReport("availability", 0.01, 1, total, 0.5, 0, 0, 0.0, ())
        report = GateReport(
            Verdict.INCONCLUSIVE, Reason.OK, "x", 4.0, 2.0, (seen,), {"availability": ((1.0, 0.5),)}, 0.1
        )
        place = (going.id, going.service, going.environment)
        write(WatchNote.of(place, "bake", f"2026-11-28T00:00:{total}.000+00:00", report))
    watch = store.watching(ITSELF, going).judged()
    assert (watch.watch, watch.verdict, watch.indicators[0].total, watch.indicators[0].points) == (
        "bake",
        "",
        20,
        ((1.0, 0.5),),
    )
    assert store.watching(ITSELF, ended) is None
    assert store.watching(Viewer("eve", services=frozenset({"none"})), going) is None


def test_a_ledger_that_is_not_there_yet_is_empty(tmp_path):
    """Nothing is made by looking at it."""
    store = SqliteBoard(tmp_path / "none" / "ledger.db")
    assert (store.serving(ITSELF), store.open(ITSELF), store.head()) == ([], [], Head())
    assert store.history(ITSELF, Filter(), Page()).rows == []
    assert not (tmp_path / "none").exists()
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerUnavailableError, match="could not be read"):
        SqliteBoard(tmp_path / "ledger.db").head()


def test_connections_are_let_go_while_threads_ask(tmp_path):
    """As when the board ends: each is answered or told that there is none, and the process lives."""
    kind = kinds.sqlite_kind(tmp_path / "state")
    kind.ledger.replay(recent(random.Random(3), 20))
    store, end, answered = SqliteBoard(kind.path), time.monotonic() + 1, Counter()

    def ask():
        while time.monotonic() < end:
            try:
                answered[store.after(0, 500)[-1].head] += 1
            except LedgerUnavailableError as error:
                answered[type(error)] += 1

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    while time.monotonic() < end:
        store.close()
        time.sleep(0.001)
    for thread in asking:
        thread.join()
    assert set(answered) <= {store.head(), LedgerUnavailableError}
    store.close()


def test_a_database_that_is_away_is_said_to_be(databases, database):
    """Nobody waits longer than the board's own limit, and it is asked again afterwards."""
    store = PostgresBoard("postgresql://nobody@127.0.0.1:1/none", seconds=0.3)
    with pytest.raises(LedgerUnavailableError, match="did not answer"):
        store.head()
    store.close()
    store = PostgresBoard(kinds.postgres_kind(databases, database).secret)
    assert store.head() == Head()
    with databases.owner(database) as db:
        db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'lockgate'"
        )
    assert store.head() == Head()
    store.close()


def test_a_question_that_takes_too_long_is_given_up_alone(databases, database):
    """It has an error of its own, and the next one is answered."""
    store = PostgresBoard(kinds.postgres_kind(databases, database).secret, seconds=1)
    with databases.owner(database) as db, db.transaction():
        db.execute("lock table public.deployments in access exclusive mode")
        with pytest.raises(LedgerSlowError, match="gave up on a question"):
            store.history(ITSELF, Filter(), Page())
        assert store.head() == Head()
    store.close()


def test_a_database_that_hangs_keeps_nobody(databases, database):
    """One that neither answers nor says that it gave up is left after the board's own limit, and asked again later."""
    store = PostgresBoard(kinds.postgres_kind(databases, database).secret, seconds=10)
    assert store.head() == Head()
    store._seconds = 0.2  # the database's own limit stays at ten seconds: it will not say anything in time
    with databases.owner(database) as db, db.transaction():
        db.execute("lock table public.deployments in access exclusive mode")
        began = time.monotonic()
        with pytest.raises(LedgerUnavailableError, match="did not answer"):
            store.history(ITSELF, Filter(), Page())
        assert time.monotonic() - began < 8
    store._seconds = 10
    assert store.history(ITSELF, Filter(), Page()).rows == []
    store.close()


def test_replicas_tell_the_same(databases, database):
    """Two boards over one database, each with a feed of its own: every client of either hears every event once, in order."""

    async def scenario():
        kind = kinds.postgres_kind(databases, database)
        loop, hubs, heard = asyncio.get_running_loop(), [], [[], []]
        for number in range(2):
            store = PostgresBoard(kind.secret, connections=1)
            known = Known(loop.time, 0)
            hub = Hub(store, PostgresWake(store.dsn), known, tick=0.01, ring=100)

            async def send(text, mine=heard[number]):
                mine.extend(one["position"] for one in json.loads(text).get("events", []))

            task = asyncio.create_task(hub.run())
            await hub.join(Watcher(Room(), send, lambda: None), str(Head()))
            hubs.append((hub, known, store, task))
        entries, _ = history(random.Random(2), 8)
        for entry in entries:
            await asyncio.to_thread(kind.ledger.replay, [entry])
        while not all(len(mine) >= len(entries) for mine in heard):  # noqa: ASYNC110 - until both have all
            await asyncio.sleep(0.01)
        assert heard == [list(range(1, len(entries) + 1))] * 2
        for hub, known, store, task in hubs:
            task.cancel()
            await hub.close()
            known.close()
            store.close()
        kind.close()

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_postgresql_calls_the_live_feed(databases, database):
    """An append wakes it at once; a connection that is cut, or never delivers, makes it ask instead and says so."""

    async def scenario():
        kind = kinds.postgres_kind(databases, database)
        wake = PostgresWake(PostgresBoard(kind.secret).dsn)
        await wake.wait(1)
        assert wake.problem == ""
        entries, _ = history(random.Random(1), 1)
        began = time.monotonic()
        waiting = asyncio.create_task(wake.wait(30))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(kind.ledger.replay, entries)
        await waiting
        assert time.monotonic() - began < 25
        waiting = asyncio.create_task(wake.wait(30))
        await asyncio.sleep(0.05)
        with databases.owner(database) as db:
            db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'lockgate'"
            )
        await waiting
        assert "lost" in wake.problem
        await wake.close()
        deaf = PostgresWake(PostgresBoard(kind.secret).dsn, test_seconds=0)
        await deaf.wait(1)
        assert "LISTEN does not work" in deaf.problem
        await deaf.wait(0)
        await deaf.close()
        gone = PostgresWake("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1")
        await gone.wait(0)
        assert "lost" in gone.problem
        kind.close()

    asyncio.run(asyncio.wait_for(scenario(), 60))
