"""The commands that ask the ledger, each against a ledger of each kind."""

import csv
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from lockgate.adapters.ledger.postgres import MIGRATIONS
from lockgate.adapters.ledger.spool import Spool
from tests.integration.ledger import lives


def test_metrics_come_as_a_table_as_json_and_as_csv(kind, lockgate):
    """For one environment or for all, of this service or of every one; the numbers are the same in each form."""
    kind.ledger.replay(lives.recent(random.Random(3), 30))
    code, table, _ = lockgate("metrics", "--since", "52w", "--by", "month")
    assert code == 0
    assert "lead time" in table
    assert "a column for each month" in table
    assert "till" not in table
    code, told, _ = lockgate("metrics", "production", "--since", "52w", "--json", "--csv", "all.csv", "--all-services")
    assert code == 0
    rows = json.loads(told)["data"]["metrics"]
    assert {(row["service"], row["environment"]) for row in rows} == {("shop", "production"), ("till", "production")}
    assert sum(row["deployed"] for row in rows if row["period"]) == sum(r["deployed"] for r in rows if not r["period"])
    with Path("all.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [{name: str("" if value is None else value) for name, value in row.items()} for row in rows] == read
    assert (
        lockgate("metrics", "production", "--since", "52w", "--csv", "-", "--all-services")[1]
        == Path("all.csv").read_text()
    )


def test_metrics_that_cannot_be_asked_are_refused(lockgate):
    """A time that is none, a file that cannot be written, two things on one output; each says what was wrong."""
    for words, said in [
        (("--since", "soon"), "expected a day"),
        (("--since", "0001-01-01"), "at most 5250 days are counted at once"),
        (("--csv", "no/such/folder"), "cannot be written"),
        (("--csv", "-", "--json"), "standard output"),
        (("elsewhere",), 'no environment "elsewhere"'),
    ]:
        code, _, err = lockgate("metrics", *words)
        assert code in {2, 13}
        assert said in err


def test_a_chain_that_holds_is_verified_and_exported(kind, lockgate):
    """The export is checked without the ledger; what was printed once finds a chain that was written anew."""
    kind.ledger.replay(lives.recent(random.Random(1), 5))
    code, told, _ = lockgate("ledger", "verify", "--json")
    head = json.loads(told)["data"]["head"]
    assert code == 0
    code, _, _ = lockgate("ledger", "export", "--output", "all.jsonl")
    assert code == 0
    printed = lockgate("ledger", "export")[1]
    assert printed == Path("all.jsonl").read_text()
    kind.ledger.replay(lives.recent(random.Random(2), 9)[-3:])
    assert lockgate("ledger", "verify", "--seen", head)[0] == 0
    assert lockgate("ledger", "verify", "--file", "all.jsonl", "--seen", head)[0] == 0
    for wrong in (head[:-1] + "f" * (head[-1] != "f") + "e" * (head[-1] == "f"), f"99999:{'a' * 64}"):
        code, _, err = lockgate("ledger", "verify", "--seen", wrong)
        assert code == 76
        assert "another history" in err or "missing at the end" in err


def test_an_altered_ledger_has_its_own_exit_code(kind, lockgate):
    """76, with the place; and nothing of it is removed any more."""
    kind.ledger.replay(lives.recent(random.Random(1), 5))
    kind.tamper("delete from events where position = 3", "delete from deployment_events where position = 3")
    code, told, err = lockgate("ledger", "verify", "--json")
    assert code == 76
    assert (json.loads(told)["decision"], json.loads(told)["reason_code"]) == ("failed", "ledger_altered")
    assert "3: missing: 3" in err
    assert lockgate("ledger", "forget", "--before", "1d")[0] == 76
    assert lockgate("ledger", "export", "--output", "all.jsonl")[0] == 0
    code, _, err = lockgate("ledger", "verify", "--file", "all.jsonl")
    assert code == 76
    assert "3: missing: 3" in err


def test_what_is_old_is_removed_and_the_rest_still_verified(kind, lockgate):
    """With a copy first; the metrics stay, and so does the chain."""
    entries = lives.recent(random.Random(8), 40)  # of 31 days; half of it is older than 20, at any hour of the day
    kind.ledger.replay([one for one in entries if one.event.rollout not in lives.unfinished(entries)])
    before = lockgate("metrics", "--since", "200d", "--json")[1]
    code, told, _ = lockgate("ledger", "forget", "--before", "20d", "--output", "old.jsonl", "--json")
    removed = json.loads(told)["data"]["removed"]
    assert (code, removed > 10) == (0, True)
    assert lockgate("ledger", "verify", "--file", "old.jsonl")[0] == 0
    code, told, _ = lockgate("ledger", "verify", "--json")
    assert (code, json.loads(told)["data"]["removed"]) == (0, removed)
    assert (
        json.loads(lockgate("metrics", "--since", "200d", "--json")[1])["data"]["metrics"]
        == json.loads(before)["data"]["metrics"]
    )
    for nothing in ("20d", "1500w"):  # also before a time that no chart could show
        assert json.loads(lockgate("ledger", "forget", "--before", nothing, "--json")[1])["data"]["removed"] == 0
    code, _, err = lockgate("ledger", "verify", "--seen", f"1:{'a' * 64}")
    assert (code, "retention removed" in err) == (2, True)


def test_a_rollout_without_an_ending_keeps_what_is_after_it(kind, lockgate):
    """It may still be recovered, from its journal; who asks for the removal is told."""
    entries = lives.recent(random.Random(8), 40)
    (oldest, *_) = lives.unfinished(entries)
    kind.ledger.replay(entries)
    _, said, _ = lockgate("ledger", "forget", "--before", "1d")
    assert f"rollout {oldest} has no ending" in said
    assert len(kind.ledger.events(oldest)) >= 1


def test_the_spool_of_another_machine_is_replayed(kind, lockgate, tmp_path):
    """In its order, and once however often."""
    entries = lives.recent(random.Random(2), 12)
    spool = Spool(tmp_path / "from-elsewhere")
    for one in entries:
        spool.add(one)
    for new in (len(entries), 0):
        code, told, _ = lockgate("ledger", "replay", "--spool", "from-elsewhere", "--json")
        data = json.loads(told)["data"]
        assert (code, data["events"], data["new"]) == (0, len(entries), new)
    assert "nothing waits" in lockgate("ledger", "replay")[1]
    assert [(one.rollout, one.seq) for one in kind.ledger.links(0)] == [(e.event.rollout, e.event.seq) for e in entries]


@pytest.mark.parametrize("kind", ["postgres", "supabase"], indirect=True)  # the others take every time
def test_a_rollout_that_the_ledger_refuses_holds_no_other_up(kind, lockgate, tmp_path):
    """On this machine and in a folder from another one; the exit code says that something was refused."""
    entries = lives.recent(random.Random(2), 4)
    bad = [replace(one, event=replace(one.event, rollout="a-bad", at="no time")) for one in entries[:2]]
    for folder in (tmp_path / ".lockgate" / "spool", tmp_path / "left"):
        for one in bad if folder.name == "spool" else (*bad, *entries):
            Spool(folder).add(one)
    code, told, err = lockgate("ledger", "replay", "--spool", "left")
    assert code == 74
    assert "of a-bad" in told
    assert "does not take what it was told" in err
    assert [(one.rollout, one.seq) for one in kind.ledger.links(0)] == [(e.event.rollout, e.event.seq) for e in entries]


def test_migrations_are_applied_or_written_down(kind, lockgate, databases, monkeypatch):
    """By the owner of a database; for Supabase they are files for its own tool; SQLite has none."""
    code, _, err = lockgate("ledger", "migrate")
    assert code == (74 if kind.name == "postgres" else 2), err
    if kind.name == "postgres":
        monkeypatch.setenv("LOCKGATE_LEDGER_SECRET", databases.server.dsn(kind.database))
        code, told, err = lockgate("ledger", "migrate")
        assert (code, "every migration is applied" in told) == (0, True), err
    assert lockgate("ledger", "migrate", "--output", "supabase/migrations")[0] == 0
    written = {path.name: path.read_text() for path in Path("supabase/migrations").iterdir()}
    assert written == {path.name: path.read_text() for path in MIGRATIONS.glob("*.sql")}


def test_an_action_takes_its_own_options_only(lockgate):
    """Each mistake on the command line is exit 2 and a sentence."""
    for words, said in [
        (("verify", "--output", "x"), "--output is not an option of it"),
        (("verify", "--seen", "12"), "POSITION:HASH"),
        (("verify", "--file", "gone"), "cannot be read"),
        (("verify", "--file", "lockgate.yml"), "is not an export: line 1 is not JSON"),
        (("forget",), "before when"),
        (("forget", "--before", "soon"), "expected a day"),
        (("export", "--json"), "name a file"),
        (("export", "--output", "no/such/folder"), "cannot be written"),
        (("replay", "--spool", "gone"), "is not a folder"),
        (("migrate", "--output", "lockgate.yml/x"), "cannot be written"),
        (("polish",), 'there is no action "polish"'),
    ]:
        code, _, err = lockgate("ledger", *words)
        assert (code, said in err) == (2, True), err
