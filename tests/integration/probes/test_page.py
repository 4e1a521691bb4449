"""The http and security-headers probes against real servers, honest and hostile."""

import asyncio
import gzip
import ssl
import time
import tracemalloc
import zlib

import pytest
import trustme

from lockgate.adapters.probes.kinds import Means
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.samples import Fault
from tests.integration.probes.servers import Server, ask, echo, far_from, head, page, says, upgraded

STRICT = {
    "Strict_Transport_Security": "max-age=63072000; includeSubDomains",
    "Content_Security_Policy": "default-src 'self'",
    "X_Content_Type_Options": "nosniff",
    "X_Frame_Options": "DENY",
    "Referrer_Policy": "no-referrer",
}


def first(outcome):
    return outcome.marks[0].fault, outcome.marks[0].detail


@pytest.mark.parametrize(
    ("probe", "answer", "fault", "words"),
    [
        (ProbeConfig(body="all * well"), page(b"all is well"), None, ""),
        (ProbeConfig(body="all * well"), page(b"well, all"), Fault.WRONG_ANSWER, 'the body does not hold "all * well"'),
        (ProbeConfig(body="\ufffd"), page(b"\xff\xfe\x80"), None, ""),
        (ProbeConfig(headers={"cache-control": "no-*"}), page(Cache_Control="no-store"), None, ""),
        (ProbeConfig(headers={"Cache-Control": "no-*"}), page(Cache_Control="public"), Fault.WRONG_ANSWER, 'is "public"'),
        (ProbeConfig(headers={"ETag": "*"}), page(), Fault.WRONG_ANSWER, "no header ETag"),
        (ProbeConfig(redirect_to_https=True), page(b"", "308 X", Location="https://127.0.0.1/"), None, ""),
        (ProbeConfig(redirect_to_https=True), page(b"", "301 X", Location="https://127.0.0.1.evil/"), Fault.WRONG_ANSWER, "redirects to"),
        (ProbeConfig(redirect_to_https=True), page(b"", "301 X", Location="http://127.0.0.1/"), Fault.WRONG_ANSWER, "redirects to"),
        (ProbeConfig(redirect_to_https=True), page(b"fine"), Fault.WRONG_ANSWER, "expected a redirect"),
    ],
)  # fmt: skip
def test_what_is_expected_of_a_page(probe, answer, fault, words):
    """Body, headers and the redirect to https are each held to what the config says."""
    with Server(says(answer)) as server:
        found, detail = first(ask(probe, server.url))
    assert found is fault
    assert words in detail


def test_a_redirect_is_never_followed():
    """A loop of redirects is one answer."""
    with Server(says(page(b"", "302 X", Location="/"))) as server:
        found, detail = first(ask(ProbeConfig(), server.url))
        assert (found, server.connections) == (Fault.ERROR_STATUS, 1)
    assert "status 302" in detail


def test_a_probes_own_budget_counts():
    """Slower than the probe allows is slow, though the budget of all would let it pass."""

    async def slow(server, reader, writer):
        await head(server, reader)
        await asyncio.sleep(0.1)
        writer.write(page())
        await writer.drain()

    with Server(slow) as server:
        outcome = ask(ProbeConfig(response=0.05), server.url, budget=5.0)
    assert [mark.fault for mark in outcome.marks] == [None, Fault.TOO_SLOW]


@pytest.mark.parametrize("kind", [ProbeKind.HTTP, ProbeKind.WEBSOCKET])
def test_the_time_until_a_connection_is_open_is_not_the_answers(kind, tmp_path):
    """A handshake of TLS over a long way makes nobody slow; the timeout is over all of it."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    talk = upgraded(echo) if kind is ProbeKind.WEBSOCKET else says(page())
    with Server(talk, tls) as service, Server(far_from(service)) as server:
        url, means = f"https://127.0.0.1:{server.port}", Means(ca=tmp_path / "ca.pem")
        quick = ask(ProbeConfig(kind=kind, timeout=5.0), url, means=means, budget=0.4)
        late = ask(ProbeConfig(kind=kind, timeout=0.4), url, means=means)
    assert [mark.fault for mark in quick.marks] == [None] * len(quick.marks)
    assert quick.marks[0].latency < 0.4
    assert late.marks[0].fault is Fault.NO_ANSWER


@pytest.mark.parametrize("name", STRICT)
def test_each_missing_security_header_is_named(name):
    """All five with strict values are good; without one the example names it."""
    probe = ProbeConfig(kind=ProbeKind.SECURITY_HEADERS)
    with Server(says(page(**STRICT))) as server:
        assert first(ask(probe, server.url)) == (None, "")
    with Server(says(page(**{key: value for key, value in STRICT.items() if key != name}))) as server:
        found, detail = first(ask(probe, server.url))
    assert found is Fault.INSECURE
    assert f"no {name.replace('_', '-')}" in detail


BOMB = gzip.compress(b"\0" * 50_000_000)
HOSTILE = {
    "an endless body": says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65536, times=10_000),
    "a slow drip": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", times=1, hang=True),
    "a header that drips": says(b"H", times=1000, pause=0.05),
    "a header without end": says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 65536, times=10_000),
    "headers without end": says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000, times=10_000),
    "interim answers without end": says(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, times=10_000),
    "a bomb": says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
    "a broken bomb": says(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n\xff\xff\xff"),
    "an encoding nobody asked for": says(page(Content_Encoding="br")),
    "a chunk without end": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 65536, times=10_000),
    "garbage": says(bytes(range(256)) * 100),
    "silence": says(b"", hang=True),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_costs_neither_time_nor_memory(name):
    """Whatever comes, the question ends in about its timeout and holds no more than a few hundred KiB."""
    with Server(HOSTILE[name]) as server:
        ask(ProbeConfig(timeout=0.3), server.url)  # what is loaded once is not counted
        tracemalloc.start()
        started = time.monotonic()
        outcome = ask(ProbeConfig(timeout=0.5, body="nowhere in there"), server.url)
        took = time.monotonic() - started
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert outcome.marks[0].fault is not None
    assert took < 3
    assert peak < 8_000_000


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_body_is_read(encoding, pack):
    """An honest server may compress."""
    with Server(says(page(pack(b'{"status": "ok"}'), Content_Encoding=encoding))) as server:
        assert first(ask(ProbeConfig(json={"status": "ok"}), server.url)) == (None, "")
