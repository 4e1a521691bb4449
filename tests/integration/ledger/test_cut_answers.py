"""Answers of Supabase that end too early, or are none, over a real socket: an outage as any other, and no end of a heartbeat."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from lockgate.adapters import lease_keeper
from lockgate.adapters.ledger.called import CalledLedger
from lockgate.adapters.ledger.spool import Spool
from lockgate.adapters.ledger.spooled import SpooledLedger
from lockgate.adapters.ledger.supabase import SupabaseCall
from lockgate.core.config_ledger import LeaseRule
from lockgate.core.reasons import Outcome
from lockgate.errors import LedgerRefusedError, LedgerUnavailableError
from tests.integration.ledger.scripted import MovingClock, Scripted
from tests.integration.ledger.test_every_ledger import PLACE

CHUNKED = b"HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n"
LEASE = b'{"taken":true,"service":"shop","environment":"production","holder":"ada","fence":1,"expires_at":"2099-01-01"}'
CUT = CHUNKED % b"200 OK" + b'ff\r\n{"half'
NOISE = b"noise\r\n\r\n"


class Raw:
    """A server that gives these bytes to everybody who asks, but a lease to who wants one, and ends the connection."""

    def __init__(self):
        self.told = CUT
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                with line, line.makefile("rb") as lines:
                    self._answer(line, lines)

    def _answer(self, line, lines):
        head = [row for row in iter(lines.readline, b"\r\n") if row]
        lines.read(next(int(row.split(b":")[1]) for row in head if row.lower().startswith(b"content-length")))
        self.asked.append(head[0].split()[1].decode().rpartition("/")[2])
        lease = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LEASE), LEASE)
        line.sendall(lease if self.asked[-1] == "lockgate_acquire" else self.told)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def raw():
    made = Raw()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (CUT, LedgerUnavailableError),
        (NOISE, LedgerUnavailableError),
        (CHUNKED % b"503 Out" + b"ff\r\nhalf", LedgerUnavailableError),
        (CHUNKED % b"401 No" + b"ff\r\nhalf", LedgerRefusedError),
    ],
)
def test_what_is_cut_off_is_an_outage_or_what_its_status_says(raw, told, error):
    raw.told = told
    with pytest.raises(error):
        SupabaseCall(raw.url, "sb_secret_x", 5)("lockgate_chain", {})


@pytest.mark.parametrize("healthy", [True, False])
@pytest.mark.parametrize("told", [CUT, NOISE])
def test_a_rollout_and_its_way_back_go_on(raw, tmp_path, told, healthy):
    """Its events wait on this machine, as for a ledger that is away."""
    raw.told, said, clock = told, [], MovingClock()
    spool = Spool(tmp_path / "spool")
    shared = CalledLedger(SupabaseCall(raw.url, "sb_secret_x", 5))
    ledger = SpooledLedger(shared, spool, clock, LeaseRule.REQUIRED, said.append)
    state = Scripted(ledger, clock, healthy=healthy).run("r1")
    assert state.outcome is (Outcome.DEPLOYED if healthy else Outcome.ROLLED_BACK)
    assert spool.entries("r1")[-1].event.kind == "rollout.finished"
    assert any("did not answer" in text for text in said)


def beats(ledger, asked, many):
    """Hold a lease until the ledger was asked so often; give what was said meanwhile."""
    said = []
    with lease_keeper.kept(ledger, *PLACE, "ada", say=said.append, every=0.01):
        until = time.monotonic() + 10
        while len(asked) < many and time.monotonic() < until:
            time.sleep(0.01)
        assert len(asked) >= many
    return said


def test_a_heartbeat_outlives_answers_that_are_cut_off(raw):
    assert beats(CalledLedger(SupabaseCall(raw.url, "sb_secret_x", 5)), raw.asked, 4) == []


def test_a_heartbeat_outlives_what_nobody_foresaw_and_says_it_once(raw):
    """An answer that this version of Lockgate cannot read, for example."""
    asked = []

    class Strange(CalledLedger):
        def renew(self, lease, seconds):
            asked.append(seconds)
            raise KeyError("taken")

    (said,) = beats(Strange(SupabaseCall(raw.url, "sb_secret_x", 5)), asked, 3)
    assert "shop" in said
    assert "KeyError('taken')" in said
