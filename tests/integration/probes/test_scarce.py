"""The tls, command and metric probes against real handshakes, processes and servers."""

import asyncio
import datetime as dt
import json
import os
import ssl
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
import trustme

from lockgate.adapters.probes.kinds import Means
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.samples import Fault
from lockgate.errors import ConfigInvalidError
from tests.integration.probes.servers import Server, ask, page, says

CA = trustme.CA()
TLS = ProbeConfig(kind=ProbeKind.TLS, timeout=2.0)


@pytest.fixture
def means(tmp_path):
    """What trusts our own authority."""
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(path)
    return Means(ca=path)


def context(*names, ca=CA, days=90.0):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    ca.issue_cert(*(names or ("127.0.0.1",)), not_after=ends).configure_cert(made)
    return made


@pytest.mark.parametrize(
    ("tls", "fault", "words"),
    [
        (context(), None, ""),
        (context(days=13.5), Fault.CERTIFICATE, "ends in 13.5 days"),
        (context(days=-0.5), Fault.CERTIFICATE, "expired"),
        (context("shop.example"), Fault.CERTIFICATE, "mismatch"),
        (context(ca=trustme.CA()), Fault.CERTIFICATE, "issuer"),
    ],
    ids=["good", "ends soon", "ended", "other host", "unknown authority"],
)
def test_chain_host_and_days(means, tls, fault, words):
    """Trusted by our own authority, for this host, with days left; each of the three is told by name."""
    with Server(says(page()), tls) as server:
        mark = ask(TLS, server.url, means=means).marks[0]
    assert (mark.indicator, mark.fault) == ("tls", fault)
    assert words in mark.detail


def test_an_authority_that_is_not_configured_is_not_trusted(means):
    """The private authority is trusted where it is configured, and nowhere else, by pages too."""
    with Server(says(page()), context()) as server:
        assert ask(TLS, server.url).marks[0].fault is Fault.CERTIFICATE
        assert ask(ProbeConfig(), server.url).marks[0].fault is Fault.NO_ANSWER
        assert ask(ProbeConfig(), server.url, means=means).marks[0].fault is None


@pytest.mark.parametrize(
    "talk", [says(b"", hang=True), says(b"HTTP/1.1 400 no TLS here\r\n\r\n"), says(b"\x16\x03\x01" * 30_000)]
)
def test_a_handshake_that_is_none(talk):
    """Silence, plain text and garbage end in about the timeout and are no answer."""

    async def at_once(server, reader, writer):
        if talk is not None:
            reader.feed_data(b"\r\n\r\n")
        await talk(server, reader, writer)

    started = time.monotonic()
    with Server(at_once) as server:
        mark = ask(ProbeConfig(kind=ProbeKind.TLS, timeout=0.5), server.url.replace("http", "https")).marks[0]
    assert mark.fault is Fault.NO_ANSWER
    assert time.monotonic() - started < 3


def test_a_place_without_tls_tells_nothing():
    """That is nobody's fault."""
    assert "has no TLS" in ask(TLS, "http://127.0.0.1:1").unknown


def test_a_private_authority_that_cannot_be_read_is_told(tmp_path):
    """By the key in the config."""
    with pytest.raises(ConfigInvalidError, match=r"gate\.ca"):
        ask(ProbeConfig(), "https://127.0.0.1:1", means=Means(ca=tmp_path / "none.pem"))


def run(command, timeout=5.0, **env):
    means = Means(Path.cwd(), {"PATH": os.environ["PATH"], **env})
    return ask(ProbeConfig(kind=ProbeKind.COMMAND, command=command, timeout=timeout), "http://here:1", means=means)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("exit 0", ""),
        ('test "$LOCKGATE_URL" = http://here:1', ""),
        ('test -z "$LOCKGATE_STATE_DIR$GITHUB_TOKEN$HOME"', ""),
        ("echo the queue is full; exit 3", "ended with code 3: the queue is full"),
        ("kill -9 $$", "ended by signal 9"),
        ("printf '\\377\\033[2J##[error]x'; exit 1", "# #[error]x"),
    ],
)
def test_the_exit_code_decides(command, words):
    """0 is good; the example has the code, and the last that was said, harmless to a log."""
    mark = run(command).marks[0]
    assert (mark.fault is None) == (not words)
    assert words in mark.detail
    assert "\x1b" not in mark.detail


@pytest.mark.parametrize(
    ("command", "words"),
    [("exit 75", "could not tell"), ("no-such-command-here", "was not found"), ("/etc/passwd", "could not be run")],
)
def test_what_could_not_tell_is_nobodys_fault(command, words):
    """Neither good nor bad."""
    outcome = run(command)
    assert not outcome.marks
    assert words in outcome.unknown


@pytest.mark.parametrize(
    ("command", "seconds", "words"),
    [
        ("yes", 10, "printed more than 64 KiB"),
        ("sleep 60 & sleep 60", 0.5, "ran past 0.5 s"),
        ("trap '' TERM; sleep 60", 0.5, "ran past"),
    ],
)
def test_a_command_without_end_is_ended_with_all_it_started(command, seconds, words):
    """In time and output; nothing is left of it."""
    started = time.monotonic()
    assert words in run(f"echo $$; {command}", timeout=seconds).marks[0].detail
    assert time.monotonic() - started < seconds + 4


def test_what_a_command_leaves_behind_does_not_hold_it_up(tmp_path):
    """A child in the background that holds the pipe open is ended, too."""
    started = time.monotonic()
    assert run(f"sleep 60 & echo $! > {tmp_path}/pid; exit 0").marks[0].fault is None
    assert time.monotonic() - started < 4
    child = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not child.exists() or child.read_text().split()[2] == "Z"


def vector(*values):
    result = [{"metric": {}, "value": [1700000000, value]} for value in values]
    return page(json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode())


QUERY = 'rate(errors{version="$version"}[1m]) / 2'


@pytest.mark.parametrize(
    ("answer", "words", "unknown"),
    [
        (vector("0.001"), "", ""),
        (vector("0.001", "0.5"), "is 0.5, expected < 0.01", ""),
        (vector("+Inf"), "is inf", ""),
        (vector("NaN"), "", "not a number"),
        (vector(), "", "no value"),
        (page(b'{"status":"error","error":"bad query"}', "400 Bad Request"), "", "the server says: bad query"),
        (page(b"<html>"), "", "not JSON"),
        (page(b"x" * 300_000), "", "not JSON"),
        (b"", "", "no answer"),
    ],
)
def test_a_metric_is_good_bad_or_unknown(answer, words, unknown):
    """Every value must satisfy the comparison; no data is neither good nor anybody's fault."""
    with Server(says(answer)) as server:
        probe = ProbeConfig(kind=ProbeKind.METRIC, url=server.url + "/prom/", query=QUERY, good="< 0.01")
        outcome = ask(probe, version="1.2.3")
        assert (
            unquote(server.requests[0].split()[1]) == f"/prom/api/v1/query?query={QUERY.replace('$version', '1.2.3')}"
        )
    assert unknown in outcome.unknown
    assert bool(outcome.marks) == (not unknown)
    if outcome.marks:
        assert words in outcome.marks[0].detail
        assert (outcome.marks[0].fault is None) == (not words)


def test_a_version_that_is_no_name_never_reaches_a_query():
    """A version comes from a tag that anybody may have pushed."""
    probe = ProbeConfig(kind=ProbeKind.METRIC, url="http://127.0.0.1:1", query=QUERY, good="< 0.01")
    assert "has no place in a query" in ask(probe, version='1"} or vector(0) #').unknown


def test_a_prometheus_that_hangs_tells_nothing():
    """Within its timeout."""

    async def hang(*_):
        await asyncio.sleep(60)

    with Server(hang) as server:
        probe = ProbeConfig(kind=ProbeKind.METRIC, url=server.url, query="up", good="== 1", timeout=0.3)
        assert "timed out" in ask(probe).unknown
