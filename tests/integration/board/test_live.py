"""The live feed: who hears what, from where on, and what becomes of it when something breaks."""

import asyncio
import json
import random
import re
from dataclasses import replace

import pytest
from starlette.websockets import WebSocketDisconnect

from lockgate.board.known import Known
from lockgate.board.live.hub import BEHIND, Hub
from lockgate.board.live.rooms import Room
from lockgate.board.live.watcher import Watcher
from lockgate.core.board.rows import FeedItem, Head
from lockgate.core.board.viewer import Role, Viewer
from lockgate.core.ledger import LedgerEvent
from lockgate.errors import LedgerUnavailableError
from tests.integration.board.conftest import ORIGIN, started
from tests.integration.ledger.lives import recent
from tests.integration.ledger.scripted import Scripted


def live(running, query="", origin=ORIGIN):
    running.caught_up()
    return running.client.websocket_connect(f"/live{query}", headers={"origin": origin, "host": "localhost:7171"})


def hear(socket, kind="rollout.finished"):
    """Take frames until an event of a kind; give all events so far, and the cursor."""
    events, head = [], ""
    while not any(one["kind"] == kind for one in events):
        frame = json.loads(socket.receive_text())
        head = frame.get("head", head)
        events += frame.get("events", [])
    return events, head


def test_an_open_page_hears_what_happens(running):
    """Every event once, in order, without asking; each names its place and says what it is for people."""
    with live(running) as socket:
        assert json.loads(socket.receive_text())["events"] == []
        Scripted(running.kind.ledger).run("r-1")
        events, head = hear(socket)
        links = list(running.kind.ledger.links(0))
        assert [one["position"] for one in events] == [link.position for link in links]
        assert head == str(Head(links[-1].position, links[-1].hash))
        first, last = events[0], events[-1]
        assert (first["service"], first["environment"], first["version"], first["by"]) == (
            "shop",
            "production",
            "b",
            "ada",
        )
        assert (last["outcome"], last["serving"]["version"], last["serving"]["verified"]) == ("deployed", "b", True)


def test_a_page_is_told_what_happened_while_it_was_being_made(running, monkeypatch):
    """It goes on from where the feed was when the page was asked for: not from where it is when the page is ready."""
    running.caught_up()
    store = running.board.store
    serving = store.serving

    def answered_slowly(viewer):
        found = serving(viewer)
        Scripted(running.kind.ledger).run("r-1")
        running.caught_up()
        return found

    monkeypatch.setattr(store, "serving", answered_slowly)
    head = re.search('data-head="([^"]+)"', running.get("/").text)[1]
    assert head == str(Head())
    with live(running, f"?after={head}") as socket:
        events, _ = hear(socket)
        assert len(events) == len(list(running.kind.ledger.links(0)))


def test_who_comes_back_misses_nothing_and_hears_nothing_twice(running):
    """From any cursor on, whether the events are in memory or only in the ledger."""
    ledger = running.kind.ledger
    with live(running) as socket:
        socket.receive_text()
        Scripted(ledger).run("r-1")
        hear(socket)
    links = list(ledger.links(0))
    for at in (0, 3, len(links) - 1, len(links)):
        cursor = str(Head(at, links[at - 1].hash)) if at else str(Head())
        for forget in (False, True):
            if forget:
                running.board.hub._ring.clear()
            with live(running, f"?after={cursor}") as socket:
                frame = json.loads(socket.receive_text())
                assert [one["position"] for one in frame["events"]] == list(range(at + 1, len(links) + 1))
                assert frame["head"] == str(Head(links[-1].position, links[-1].hash))


@pytest.mark.parametrize("cursor", ["99999.000000000000", "3.000000000000", "nonsense", "3", "-1.aaaaaaaaaaaa"])
def test_a_cursor_of_another_ledger_makes_the_page_read_again(lived, cursor):
    """One that was restored, or another one altogether: the client is told, and hears what comes next."""
    with live(lived, f"?after={cursor}") as socket:
        assert json.loads(socket.receive_text()) == {"type": "resync"}
        assert json.loads(socket.receive_text())["events"] == []
        Scripted(lived.kind.ledger).run("r-9")
        assert hear(socket)[0][0]["rollout"] == "r-9"


def test_a_room_is_heard_alone(running):
    """One service, one environment, one rollout, and whatever the viewer may see."""
    entries = recent(random.Random(4), 12)
    wanted = entries[0].event
    rooms = {
        f"service={wanted.service}": lambda e: e.service == wanted.service,
        f"service={wanted.service}&environment={wanted.environment}": lambda e: (
            (e.service, e.environment) == (wanted.service, wanted.environment)
        ),
        f"rollout={wanted.rollout}": lambda e: e.rollout == wanted.rollout,
        "service=none": lambda _: False,
    }
    running.kind.ledger.replay(entries)
    for query, fits in rooms.items():
        with live(running, f"?after={Head()}&{query}") as socket:
            heard = json.loads(socket.receive_text())["events"]
        assert [(one["rollout"], one["seq"]) for one in heard] == [
            (one.event.rollout, one.event.seq) for one in entries if fits(one.event)
        ]


def test_a_viewer_hears_their_services_alone(tmp_path):
    """Whatever room they name."""

    class Door:
        async def viewer(self, connection):
            return Viewer("ada", Role.VIEWER, frozenset({"till"})) if connection.headers.get("cookie") else None

        def refusal(self, connection):
            raise AssertionError

    made = started(tmp_path, door=Door())
    made.kind.ledger.replay(recent(random.Random(4), 12))
    with made.client:
        for query in ("", "&service=shop", "&service=till"):
            made.client.cookies.set("x", "1")
            with live(made, f"?after={Head()}{query}") as socket:
                heard = {one["service"] for one in json.loads(socket.receive_text())["events"]}
            assert heard == (set() if query == "&service=shop" else {"till"})
        made.client.cookies.clear()
        with pytest.raises(WebSocketDisconnect) as refused, live(made):
            pass
        assert refused.value.code == 4401


def test_a_foreign_page_opens_no_socket(running):
    """Its origin is not ours, whatever its cookies; nor is one that says nothing, or null."""
    for origin in ("https://evil.example", "null", "http://localhost", "http://localhost:7171.evil.example", ""):
        with pytest.raises(WebSocketDisconnect), live(running, origin=origin):
            pass
    assert running.board.hub.watchers == 0


def test_server_sent_events_tell_the_same(lived):
    """Each frame has its cursor as its id, so that a browser resumes by itself; no proxy keeps them back."""

    async def ask(after):
        request = {"type": "http", "method": "GET", "path": "/events", "query_string": b"", "scheme": "http",
                   "headers": [(b"host", b"localhost:7171"), (b"last-event-id", after.encode())],
                   "app": lived.client.app}  # fmt: skip
        said, gone = [], asyncio.Event()

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            said.append(message)
            if b"data:" in message.get("body", b""):
                gone.set()

        await asyncio.wait_for(lived.client.app(request, receive, send), 10)
        return said

    links = list(lived.caught_up().kind.ledger.links(0))  # the feed has begun, and nothing of its own loop waits
    said = asyncio.run(ask(str(Head(links[-3].position, links[-3].hash))))
    headers = dict(said[0]["headers"])
    assert (headers[b"content-type"], headers[b"x-accel-buffering"]) == (b"text/event-stream; charset=utf-8", b"no")
    text = b"".join(one.get("body", b"") for one in said).decode()
    assert f"id: {Head(links[-1].position, links[-1].hash)}\n" in text
    assert text.count('"position"') == 2


class Feed:
    """A ledger's chain in memory, for what happens between two awaits; it can be away, and it can become another one."""

    def __init__(self):
        self.items, self.away, self.mark = [], False, "a"

    def add(self, number=1, rollout="r"):
        for _ in range(number):
            position = len(self.items) + 1
            event = LedgerEvent(rollout, position, "2026-11-01T00:00:00.000+00:00", "happened.shifted", "shop", "p", {})
            self.items.append(FeedItem(Head(position, self.mark * 64), event))

    def head(self):
        if self.away:
            raise LedgerUnavailableError("gone")
        return self.items[-1].head if self.items else Head()

    def at(self, position):
        return self.items[position - 1].head if 0 < position <= len(self.items) else Head() if position == 0 else None

    def after(self, position, limit):
        return self.items[position : position + limit]


class Called:
    """Wakes when it is told to, or at once."""

    problem = ""

    async def wait(self, seconds):
        await asyncio.sleep(0.002)

    async def close(self):
        pass


def followed(scenario):
    """Run a scenario beside a hub over a feed in memory."""

    async def run():
        feed, known = Feed(), Known(asyncio.get_running_loop().time, 0)
        hub = Hub(feed, Called(), known, tick=0.001, ring=50)
        task = asyncio.create_task(hub.run())
        try:
            await asyncio.wait_for(scenario(feed, hub), 20)
        finally:
            task.cancel()
            known.close()

    asyncio.run(run())


async def until(condition):
    """Wait for something to be so; `followed` bounds it."""
    while not condition():  # noqa: ASYNC110 - many different things are waited for
        await asyncio.sleep(0.002)


class Client:
    """What one client was sent."""

    def __init__(self, hub, *, slow=False, room=None):
        self.frames, self.dropped, self.slow = [], False, slow
        self.watcher = Watcher(room or Room(), self.send, self.drop)
        self.hub = hub

    async def send(self, text):
        if self.slow and self.frames:
            await asyncio.sleep(10)
        self.frames.append(json.loads(text))

    def drop(self):
        self.dropped = True

    @property
    def positions(self):
        return [one["position"] for frame in self.frames for one in frame.get("events", [])]

    async def until(self, position):
        await until(lambda: self.positions and self.positions[-1] == position)


def test_events_of_one_tick_go_in_one_frame_and_none_is_lost_while_clients_come_and_go():
    """Fifty clients join at any moment, with the cursor that they have; each has every event exactly once."""

    async def scenario(feed, hub):
        feed.add(3)
        await until(lambda: hub.head.position >= 3)
        clients = []
        for number in range(50):
            feed.add(random.Random(number).randrange(4))
            client = Client(hub)
            client.begin = random.Random(number).randrange(len(feed.items) + 1)
            await hub.join(client.watcher, str(feed.at(client.begin)))
            clients.append(client)
            if number % 3 == 0:
                await asyncio.sleep(0.001)
        feed.add(40)
        for client in clients:
            await client.until(len(feed.items))
            assert client.positions == list(range(client.begin + 1, len(feed.items) + 1))
        assert hub.sent < hub.heard * len(clients)

    followed(scenario)


def test_a_client_that_reads_nothing_is_dropped_and_holds_nobody_up():
    """The others have the event at once; the slow one comes back with its cursor."""

    async def scenario(feed, hub):
        slow, quick = Client(hub, slow=True), Client(hub)
        await hub.join(slow.watcher, "")
        await hub.join(quick.watcher, "")
        feed.add()
        await quick.until(1)
        await until(lambda: slow.dropped)
        assert (hub.watchers, hub.dropped) == (1, 1)

    followed(scenario)


def test_a_ledger_that_was_away_or_was_replaced_is_followed_again():
    """While it is away the hub says so and waits; one with another past makes everybody read again."""

    async def scenario(feed, hub):
        client = Client(hub)
        feed.add(5)
        await asyncio.sleep(0.02)
        await hub.join(client.watcher, str(feed.head()))
        feed.away = True
        await until(lambda: hub.source_problem == "gone")
        feed.add(2)
        feed.away = False
        await client.until(7)
        assert (client.positions, hub.source_problem) == ([6, 7], "")
        feed.items, feed.mark = [], "b"
        feed.add(4)
        await until(lambda: client.frames[-1] == {"type": "resync"})
        feed.add()
        await client.until(5)
        assert client.positions == [6, 7, 5]

    followed(scenario)


def test_whoever_missed_very_much_reads_the_page_again():
    """Nobody is sent a thousand frames' worth of what a page shows at once."""

    async def scenario(feed, hub):
        feed.add(BEHIND + 100)
        await until(lambda: hub.head.position >= BEHIND)
        client = Client(hub)
        await hub.join(client.watcher, str(Head(5, "a" * 64)))
        assert client.frames[0] == {"type": "resync"}
        near = Client(hub)
        await hub.join(near.watcher, str(Head(len(feed.items) - 200, "a" * 64)))
        assert len(near.positions) == 200

    followed(scenario)


def test_a_replica_that_is_behind_takes_nobody_back():
    """A client that another replica told more keeps its cursor, and hears the rest once."""

    async def scenario(feed, hub):
        feed.add(4)
        await asyncio.sleep(0.02)
        feed.add(3)
        hub_head = hub.head
        client = Client(hub)
        await hub.join(client.watcher, str(feed.head()))
        assert Head(*map_head(client.frames[0]["head"])).position >= max(7, hub_head.position)
        feed.add(2)
        await client.until(9)
        assert client.positions == [8, 9]

    followed(scenario)


def map_head(text):
    position, _, mark = text.partition(".")
    return int(position), mark


def test_the_rooms_of_sqlite_and_of_the_feed_tell_apart_what_they_should():
    """A room with a rollout of another service that the viewer may not see is silent."""
    event = LedgerEvent("r", 0, "t", "x.y", "shop", "production", {})
    item = FeedItem(Head(1, "a" * 64), event)
    assert Room(rollout="r").has(item)
    assert not Room(rollout="r", services=frozenset({"till"})).has(item)
    assert not replace(Room(), environment="staging").has(item)
