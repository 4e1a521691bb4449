"""Supabase's own clients read what Lockgate wrote: PostgREST's for a page, Realtime's for what changes."""

import asyncio

import pytest
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError
from realtime import AsyncRealtimeClient, RealtimePostgresChangesListenEvent

from lockgate.core.reasons import Outcome
from tests.integration.ledger import kinds
from tests.integration.ledger.lives import stands
from tests.integration.ledger.test_every_ledger import PLACE, record
from tests.standins.realtime import Realtime


@pytest.fixture
def kind(databases, database, project):
    return kinds.supabase_kind(databases, database, project)


@pytest.fixture
def realtime(databases, database, project):
    server = Realtime(project, databases.server.dsn(database))
    yield server
    server.close()


def client(project, token):
    headers = {"apikey": project.keys.publishable, "Authorization": f"Bearer {token}"}
    return SyncPostgrestClient(project.rest, headers=headers)


def person(project, *services):
    return project.keys.mint("authenticated", app_metadata={"lockgate_services": list(services)})


def test_a_dashboard_reads_with_the_official_client(kind, project):
    """The latest in each environment, a page of the history, the events of a rollout: rows of the own services only."""
    lease = kind.ledger.acquire(*PLACE, "ada", 600)
    record(kind, lease, "r1", "a", Outcome.DEPLOYED, stands("a"))
    record(kind, lease, "r2", "b", Outcome.ROLLED_BACK, stands("a"))
    record(
        kind,
        kind.ledger.acquire("till", "production", "bob", 600),
        "r3",
        "c",
        Outcome.DEPLOYED,
        stands("c"),
        service="till",
    )
    with client(project, person(project, "shop")) as shop:
        (current,) = shop.table("deployment_current").select("*").execute().data
        assert (current["status"], current["rollout"], current["version"]) == ("rolled_back", "r2", "b")
        page = shop.table("deployments").select("id,status").order("deployed_at", desc=True).limit(5).execute().data
        assert page == [{"id": "r2", "status": "rolled_back"}, {"id": "r1", "status": "deployed"}]
        failed = shop.table("deployments").select("id").in_("status", ["rolled_back", "broken"]).execute().data
        assert failed == [{"id": "r2"}]
        events = shop.table("deployment_events").select("kind").eq("rollout", "r1").order("seq").execute().data
        assert [one["kind"] for one in events] == ["rollout.started", "rollout.finished"]
        with pytest.raises(APIError) as refused:
            shop.rpc("lockgate_append", {"p_event": {}, "p_fence": 1}).execute()
        assert refused.value.code == "42501"
    # What lies between two names in the alphabet is not theirs, and what the index tells first decides nothing alone.
    for services, seen in (
        (["shop", "zoo"], {"shop"}),
        (["apples", "zoo"], set()),
        (["till", "shop"], {"shop", "till"}),
    ):
        with client(project, person(project, *services)) as team:
            assert {row["service"] for row in team.table("deployments").select("service").execute().data} == seen
    with client(project, person(project, "*")) as everybody:
        assert len(everybody.table("deployment_current").select("*").execute().data) == 2


def test_the_official_realtime_client_hears_of_a_rollout(kind, project, realtime):
    """As it happens, by the publication; who may see another service only hears nothing of this one."""
    people = {"shop": person(project, "shop"), "till": person(project, "till"), "anon": ""}
    lines = asyncio.run(listen(realtime, project.keys.publishable, people, lambda: write(kind)))
    assert {who for who, _ in lines} == {"shop"}
    events = [data["record"]["kind"] for _, data in lines if data["table"] == "deployment_events"]
    assert events[0] == "rollout.started"
    statuses = [data["record"]["status"] for _, data in lines if data["table"] == "deployments"]
    assert statuses[-1] == "deployed"


async def listen(realtime, key, people, do):
    """Subscribe everybody, do something, and give what each heard until somebody hears that it ended."""
    heard, lines, clients = asyncio.Queue(), [], []
    try:
        for who, token in people.items():
            clients.append(AsyncRealtimeClient(realtime.url, key))
            if token:
                await clients[-1].set_auth(token)
            await subscribe(
                clients[-1].channel("board"), lambda change, who=who: heard.put_nowait((who, change["data"]))
            )
        await asyncio.to_thread(do)
        while not lines or lines[-1][1]["record"].get("status") != "deployed":
            lines.append(await asyncio.wait_for(heard.get(), 10))
    finally:
        for one in clients:
            await one.close()
    return lines


async def subscribe(channel, callback):
    for table in ("deployments", "deployment_events"):
        channel.on_postgres_changes(RealtimePostgresChangesListenEvent.All, callback, table=table, schema="public")
    joined = asyncio.Event()
    await channel.subscribe(lambda state, error: joined.set())
    await asyncio.wait_for(joined.wait(), 10)


def write(kind):
    lease = kind.ledger.acquire(*PLACE, "ada", 600)
    record(kind, lease, "r1", "a", Outcome.DEPLOYED, stands("a"))


def test_what_realtime_is_to_hear_of_is_published(databases, database):
    """The events, the deployments and what serves; not the leases, nor the chain's own tables."""
    with databases.owner(database) as db:
        found = db.execute("select tablename from pg_publication_tables where pubname = 'supabase_realtime'").fetchall()
    assert {name for (name,) in found} == {"deployment_events", "deployments", "deployment_current"}
