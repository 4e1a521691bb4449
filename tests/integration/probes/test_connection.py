"""What a question is sent over: addresses, authorities, TLS, and how an address becomes a request."""

import asyncio
import socket
import ssl
from urllib.parse import urlsplit

import pytest
import trustme

from lockgate.adapters.connection import Names, authorities, trusting
from lockgate.adapters.http import address, ascii_host, target
from lockgate.adapters.probes.kinds import Means
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.samples import Fault
from lockgate.errors import UsageError
from tests.integration.probes.servers import Server, ask, echo, page, says, upgraded

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in ("192.0.2.1", "192.0.2.2")]


@pytest.mark.parametrize(
    ("url", "host", "wanted"),
    [
        ("https://shop.example", "shop.example", "/"),
        ("https://shop.example:8443/a?b=c&d=%20e", "shop.example:8443", "/a?b=c&d=%20e"),
        ("http://[::1]:80/ä b", "[::1]:80", "/%C3%A4%20b"),
        ("http://bücher.example/x#y", "xn--bcher-kva.example", "/x"),
    ],
)
def test_an_address_is_sent_as_http_wants_it(url, host, wanted):
    """Host and target are ASCII, the port is there where the address has one, a fragment never is."""
    parts = urlsplit(url)
    assert address(parts) == [("Host", host)]
    assert target(parts) == wanted
    assert ascii_host(parts).isascii()


def test_the_user_in_an_address_signs_in():
    """With what is escaped there unescaped."""
    with Server(says(page())) as server:
        assert ask(ProbeConfig(), server.url.replace("//", "//me:se%40cret@")).marks[0].fault is None
    assert "authorization: basic bwu6c2vay3jlda==" in server.requests[0].lower()


def test_a_name_is_asked_for_once_and_its_addresses_in_turn():
    """A failure is not remembered."""
    asked = []

    async def look_up(host, *_, **__):
        asked.append(host)
        if len(asked) == 1:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(FOUND)

    async def run():
        names = Names()
        asyncio.get_running_loop().getaddrinfo = look_up
        with pytest.raises(OSError, match="not known"):
            await names.addresses("shop.example", 443)
        found = [await names.addresses("shop.example", port) for port in (443, 443, 80)]
        names.close()
        return [each[0][4] for each in found]

    first, second, third = asyncio.run(run())
    assert {first, second} == {("192.0.2.1", 443), ("192.0.2.2", 443)}
    assert third == (first[0], 80)
    assert asked == ["shop.example", "shop.example"]


def test_authorities_are_loaded_once_for_each_file(tmp_path):
    """And a file without any is told with the variables that may have named it."""
    ca = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(ca)
    assert authorities(str(ca)) is authorities(str(ca)) is not authorities()
    assert len(authorities(str(ca)).get_ca_certs()) == 1
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        trusting(str(tmp_path / "none.pem"))


@pytest.mark.parametrize("trusted", [True, False])
def test_a_websocket_over_tls(tmp_path, trusted):
    """Opens and echoes where the certificate is trusted, and says what is wrong where it is not."""
    ca, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    (ca if trusted else trustme.CA()).cert_pem.write_to_path(tmp_path / "ca.pem")
    probe = ProbeConfig("/ws", kind=ProbeKind.WEBSOCKET, timeout=3.0, send="x" * 40_000)
    with Server(upgraded(echo), tls) as server:
        mark = ask(probe, server.url, means=Means(ca=tmp_path / "ca.pem")).marks[0]
    assert mark.fault is (None if trusted else Fault.CLOSED)
    assert trusted or "certificate is not trusted" in mark.detail
