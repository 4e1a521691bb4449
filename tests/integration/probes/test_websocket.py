"""The websocket and socketio probes, and connections held, against real servers, honest and hostile."""

import asyncio
import json
import time
import tracemalloc

import pytest

from lockgate.adapters.probes.hold import Hold
from lockgate.adapters.probes.kinds import Means
from lockgate.core.probe_config import ProbeConfig, ProbeKind, Transport
from lockgate.core.samples import Fault
from tests.integration.probes.servers import Server, ask, echo, frame, page, received, says, upgraded
from tests.ports import free_port

PROBE = ProbeConfig("/ws", kind=ProbeKind.WEBSOCKET, timeout=1.0)
OPEN = '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}'


def then(*frames, hang=True, times=1):
    """Make a WebSocket server that says these frames, whatever it is told."""

    async def talk(_, reader, writer):
        for _ in range(times):
            for each in frames:
                writer.write(each)
            await writer.drain()
        if hang:
            await asyncio.sleep(60)

    return upgraded(talk)


@pytest.mark.parametrize("words", [{}, {"send": "hello"}, {"send": "hello", "expect": "h*o"}])
def test_a_good_server_opens_echoes_and_closes(words):
    """A ping is answered, or the text that was sent; the handshake may name the version."""
    probe = ProbeConfig("/ws", kind=ProbeKind.WEBSOCKET, timeout=2.0, **words)
    with Server(upgraded(echo)) as server:
        outcome = ask(probe, server.url)
    assert (outcome.marks[0].indicator, outcome.marks[0].fault) == ("websocket", None)
    assert outcome.headers["x-version"] == "7"


HOSTILE = {
    "no upgrade": (says(page()), "status 200 instead of 101"),
    "a redirect": (says(page(b"", "302 X", Location="/ws")), "status 302 instead of 101"),
    "a wrong key": (
        says(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"),
        "did not open",
    ),
    "a handshake without end": (says(b"HTTP/1.1 101 X\r\nX: y\r\n", hang=True), "waited 1 s for a handshake"),
    "no echo": (then(), "waited 1 s for an echo"),
    "a close": (then(frame(b"\x03\xe9going away", 8)), "closed with code 1001"),
    "a dropped connection": (then(hang=False), "closed with code 1006"),
    "garbage": (then(b"\xff" * 1000), "closed with code 1002"),
    "invalid UTF-8": (then(frame(b"\xff\xfe", 1)), "closed with code 1007"),
    "a frame that is too large": (then(b"\x82\x7f" + (2**40).to_bytes(8, "big")), "closed with code 1009"),
    "compressed without asking": (then(bytes([0xC1, 2, 1, 1])), "closed with code 1002"),
    "a flood": (then(frame(b"x") * 1000, times=1000), "200 other frames"),
    "a flood of pings": (then(frame(b"x", 9) * 1000, times=1000), "200 other frames"),
    "fragments without end": (then(frame(b"x" * 100, 1, fin=False) + frame(b"x" * 100, 0, fin=False) * 1000), "closed with"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_is_a_bad_sample_and_nothing_more(name):
    """Whatever comes, it ends in about its timeout, in little memory, and the example says what it was."""
    talk, words = HOSTILE[name]
    with Server(talk) as server:
        ask(ProbeConfig("/ws", kind=ProbeKind.WEBSOCKET, timeout=0.2), server.url)
        tracemalloc.start()
        started = time.monotonic()
        outcome = ask(PROBE, server.url)
        took = time.monotonic() - started
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert outcome.marks[0].fault in {Fault.CLOSED, Fault.NO_ANSWER}
    assert words in outcome.marks[0].detail
    assert took < 10  # a loaded machine is slow, and a server that never ends would be slower
    assert peak < 8_000_000


def engine(*packets):
    """Make a Socket.IO server that says these packets, each after it was told something but the first."""

    async def talk(_, reader, writer):
        for number, packet in enumerate(packets):
            if number:
                await received(reader)
            writer.write(frame(packet.encode()))
            await writer.drain()
        kind, payload = await received(reader)
        writer.write(frame(payload, kind))
        await writer.drain()

    return upgraded(talk)


@pytest.mark.parametrize(
    ("packets", "words"),
    [
        ((OPEN, '40{"sid":"x"}'), ""),
        ((OPEN, "2", '40{"sid":"x"}'), ""),
        ((OPEN, '44{"message":"not authorised"}'), "refused to connect"),
        (("hello",), "expected an open packet"),
        (('0{"sid":""}',), "names no session"),
    ],
)
def test_socketio_by_websocket(packets, words):
    """Connected is good; refused, or no Engine.IO at all, is not."""
    probe = ProbeConfig(kind=ProbeKind.SOCKETIO, timeout=2.0)
    with Server(engine(*packets)) as server:
        mark = ask(probe, server.url).marks[0]
        assert server.requests[0].startswith("GET /socket.io/?EIO=4&transport=websocket ")
    assert words in mark.detail
    assert (mark.fault is None) == (not words)


def test_socketio_by_polling_leaves_no_session_behind():
    """The open packet is looked at, and the session is closed."""
    probe = ProbeConfig(kind=ProbeKind.SOCKETIO, transport=Transport.POLLING)
    with Server(says(page(OPEN.encode()))) as server:
        assert ask(probe, server.url).marks[0].fault is None
        assert server.requests[1].startswith("POST /socket.io/?EIO=4&transport=polling&sid=abc ")
    with Server(says(page(b"<html>sign in"))) as server:
        assert "expected an open packet" in ask(probe, server.url).marks[0].detail
    with Server(says(page(json.dumps({"code": 5}).encode(), "400 Bad Request"))) as server:
        assert ask(probe, server.url).marks[0].fault is Fault.ERROR_STATUS


@pytest.mark.parametrize("own", [False, True], ids=["the front door", "an address of its own"])
def test_a_held_connection_that_is_closed_is_counted_and_replaced(own):
    """One close of three is one bad outcome that says how long it was held; another connection takes its place."""

    async def moody(server, reader, writer):
        if server.connections == 2:
            await received(reader)
            writer.write(frame(b"lockgate", 10))
            await asyncio.sleep(0.3)
            writer.write(frame(b"\x03\xe9", 8))
            await writer.drain()
            return
        await echo(server, reader, writer)

    with Server(upgraded(moody)) as server:
        probe = ProbeConfig("/ws", kind=ProbeKind.WEBSOCKET, hold=3, url=server.url if own else "")
        held = Hold([probe], f"http://127.0.0.1:{free_port()}" if own else server.url, Means())
        held.start()
        deadline = time.monotonic() + 20
        found = []
        while time.monotonic() < deadline and (server.connections < 4 or len(found) < 8):
            found += [outcome.marks[0] for _, outcome in held.take()]
            time.sleep(0.05)
        held.close()
    bad = [mark for mark in found if mark.fault]
    assert [mark.fault for mark in bad] == [Fault.CLOSED]
    assert "held for" in bad[0].detail
    assert "code 1001" in bad[0].detail
    assert server.connections >= 4
