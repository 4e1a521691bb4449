"""The files that hold what the ledger could not take, and what each transport says and never says."""

import random
from dataclasses import replace

import pytest

from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.adapters.ledger.spool import Spool
from lockgate.adapters.ledger.supabase import SupabaseCall
from lockgate.errors import LedgerRefusedError, LedgerUnavailableError, StateNotWritableError
from tests.integration.ledger import lives
from tests.integration.ledger.lives import stands


@pytest.fixture
def entries():
    return lives.history(random.Random(4), 6)[0]


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


def test_events_come_back_as_they_were_written_the_oldest_rollout_first(spool, entries):
    for one in entries:
        spool.add(one)
    rollouts = list(dict.fromkeys(one.event.rollout for one in entries))
    assert spool.rollouts() == rollouts
    assert [entry for rollout in rollouts for entry in spool.entries(rollout)] == entries
    spool.remove(rollouts[0])
    spool.remove(rollouts[0])
    assert spool.rollouts() == rollouts[1:]


def test_half_a_line_is_no_event_and_spoils_none(spool, entries):
    """A crash in the middle of a write, or what another program left there."""
    one, two, *_ = entries
    spool.add(one)
    path = next(spool.folder.iterdir())
    for left in (b'{"event": {"rollout"', b'{"event": 1, "fence": 2}', b"[]", b"\xff\xfe"):
        with path.open("ab") as file:
            file.write(left)
        spool.add(replace(two, event=replace(two.event, rollout=one.event.rollout)))
    assert len(spool.entries(one.event.rollout)) == 5
    path.write_bytes(b"")
    assert spool.rollouts() == []


def test_a_rollout_cannot_leave_the_folder(spool, entries):
    spool.add(replace(entries[0], event=replace(entries[0].event, rollout="../../outside/\x00")))
    assert [path.parent for path in spool.folder.rglob("*")] == [spool.folder]


def test_a_spool_that_cannot_be_written_says_so(tmp_path, entries):
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(StateNotWritableError, match="spool"):
        Spool(tmp_path / "spool").add(entries[0])


def test_what_serves_is_remembered_for_a_time_without_a_ledger(spool):
    spool.remember("shop", "production", stands("a"))
    spool.remember("shop", "staging", None)
    assert spool.remembered("shop", "production") == stands("a")
    assert spool.remembered("shop", "staging") is None
    (spool.folder / "standing.json").write_text("[half")
    assert spool.remembered("shop", "production") is None


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://u:hush@db.example/x?sslmode=disable", "without TLS"),
        ("postgresql://u:hush@db.example/x?sslmode=prefer", "without TLS"),
        ("host=127.0.0.1,db.example password=hush sslmode=allow", "without TLS"),
        ("postgresql://u:hush@[db/x", "cannot be read"),
        ("password='hush", "cannot be read"),
    ],
)
def test_a_connection_string_that_could_be_read_on_the_way_is_refused(dsn, said):
    """And no message holds the password, nor does what caused it."""
    with pytest.raises(LedgerRefusedError, match=said) as refused:
        PostgresCall(dsn, 5)
    assert (
        "hush"
        not in f"{refused.value}{refused.value.__cause__.args if 'TLS' in said and refused.value.__cause__ else ''}"
    )


def test_a_server_that_is_not_there_is_no_answer():
    with pytest.raises(LedgerUnavailableError) as away:
        PostgresCall("postgresql://u:hush@127.0.0.1:1/x", 1)("lockgate_chain", {})
    assert "hush" not in str(away.value)


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("http://project.supabase.co", "sb_secret_hush", "readable on its way"),
        ("ftp://project.supabase.co", "sb_secret_hush", "readable on its way"),
        ("https://project.supabase.co", "sb_secret_hush\nX-Evil: 1", "is not a key"),
        ("https://project.supabase.co", "sb_secret_hüsh", "is not a key"),
        ("https://project.supabase.co", "sb secret hush", "is not a key"),
    ],
)
def test_a_key_goes_nowhere_in_the_clear(url, key, said):
    with pytest.raises(LedgerRefusedError, match=said) as refused:
        SupabaseCall(url, key, 5)
    assert key not in str(refused.value)


def test_a_project_that_is_not_there_is_no_answer():
    with pytest.raises(LedgerUnavailableError, match="did not answer") as away:
        SupabaseCall("http://127.0.0.1:1", "sb_secret_hush", 1)("lockgate_chain", {})
    assert "hush" not in str(away.value)
