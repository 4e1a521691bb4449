"""The embedded ledger: append-only, fenced, and honest about its file."""

import json
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from lockgate.adapters import sqlite_chain
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.core import chain
from lockgate.core.chain import Link
from lockgate.core.ledger import LedgerEvent
from lockgate.core.reasons import Outcome
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout_model import Plan, Standing
from lockgate.errors import LeaseHeldError, LeaseLostError, LedgerDamagedError, StateNotWritableError
from tests.integration.ledger import lives


class HandClock:
    """A clock that moves when told."""

    def __init__(self):
        self.time = datetime(2026, 11, 23, tzinfo=UTC)

    def now(self):
        return self.time

    def monotonic(self):
        return self.time.timestamp()

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(tmp_path, clock):
    return SqliteLedger(tmp_path / "ledger.db", clock)


def release(letter):
    return Release("shop", letter, letter * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + letter * 64))


def record(ledger, clock, lease, rollout, letter, outcome, standing):
    """Write the first and the last event of a rollout."""
    plan = Plan(rollout, "production", release(letter), None, (100,), actor="ada", approval="")
    started = {"plan": plan.to_dict(), "platform": "local", "run_url": ""}
    ledger.append(event(clock, rollout, 0, "rollout.started", started), lease)
    clock.sleep(1)
    if outcome:
        data = {"outcome": outcome, "reason_code": "ok", "message": "", "standing": standing and standing.to_dict()}
        ledger.append(event(clock, rollout, 1, "rollout.finished", data), lease)
    clock.sleep(1)


def event(clock, rollout, seq, kind, data):
    return LedgerEvent(rollout, seq, clock.now().isoformat(timespec="milliseconds"), kind, "shop", "production", data)


def test_an_event_recorded_twice_is_there_once(ledger, clock):
    """A retry after a lost answer doubles nothing."""
    lease = ledger.acquire("shop", "production", "me", 60)
    for _ in range(2):
        ledger.append(event(clock, "r1", 0, "x", {"a": 1}), lease)
    assert [e.data for e in ledger.events("r1")] == [{"a": 1}]


@pytest.mark.parametrize("change", ["update events set kind = 'y'", "delete from events"])
def test_events_cannot_be_changed_or_removed(ledger, clock, tmp_path, change):
    """The database itself refuses."""
    ledger.append(event(clock, "r1", 0, "x", {}), ledger.acquire("shop", "production", "me", 60))
    with sqlite3.connect(tmp_path / "ledger.db") as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(change)


def test_the_lease_is_exclusive_and_says_who_has_it(ledger):
    """The second one learns the holder and the time."""
    ledger.acquire("shop", "production", "ada (run 7)", 60)
    with pytest.raises(LeaseHeldError, match=r"ada \(run 7\)") as refused:
        ledger.acquire("shop", "production", "bob", 60)
    assert "2026-11-23T00:01:00" in refused.value.why
    ledger.acquire("shop", "staging", "bob", 60)


def test_a_released_or_expired_lease_is_free(ledger, clock):
    """Given back, or its holder gone: the next one gets a higher fencing number."""
    first = ledger.acquire("shop", "production", "a", 60)
    ledger.release(first)
    second = ledger.acquire("shop", "production", "b", 60)
    clock.sleep(61)
    third = ledger.acquire("shop", "production", "c", 60)
    assert first.fence < second.fence < third.fence


def test_a_heartbeat_keeps_the_lease(ledger, clock):
    """Renewed in time, it does not expire."""
    lease = ledger.acquire("shop", "production", "a", 60)
    clock.sleep(50)
    ledger.renew(lease, 60)
    clock.sleep(50)
    with pytest.raises(LeaseHeldError):
        ledger.acquire("shop", "production", "b", 60)


@pytest.mark.parametrize(("seconds", "held"), [(3, True), (3600, False)])
def test_a_lease_that_was_taken_while_the_clock_was_ahead_locks_nobody_out_for_long(ledger, clock, seconds, held):
    """A clock that is kept right goes back by a little. One that was an hour ahead would lock for an hour."""
    ahead = ledger.acquire("shop", "production", "a", 60)
    clock.sleep(-seconds)
    assert (ledger.holder("shop", "production") is not None) is held
    if held:
        with pytest.raises(LeaseHeldError):
            ledger.acquire("shop", "production", "b", 60)
        return
    assert ledger.acquire("shop", "production", "b", 60).fence > ahead.fence
    with pytest.raises(LeaseLostError):
        ledger.append(event(clock, "r1", 0, "x", {}), ahead)


def test_a_writer_with_an_old_fencing_number_is_refused(ledger, clock):
    """The one who stood still while its lease was taken writes nothing any more."""
    old = ledger.acquire("shop", "production", "a", 60)
    clock.sleep(61)
    ledger.acquire("shop", "production", "b", 60)
    with pytest.raises(LeaseLostError):
        ledger.append(event(clock, "r1", 0, "x", {}), old)
    with pytest.raises(LeaseLostError):
        ledger.renew(old, 60)
    ledger.release(old)
    assert ledger.events("r1") == []


def test_what_stands_follows_from_the_endings(ledger, clock):
    """The last ending says what serves; every verified release stays known, the newest first."""
    lease = ledger.acquire("shop", "production", "me", 600)
    a, b = Standing("blue", release("a"), verified=True), Standing("green", release("b"), verified=True)
    assert ledger.standing("shop", "production") is None
    record(ledger, clock, lease, "r1", "a", Outcome.DEPLOYED, a)
    record(ledger, clock, lease, "r2", "b", Outcome.DEPLOYED, b)
    record(ledger, clock, lease, "r3", "c", Outcome.ROLLED_BACK, b)
    assert ledger.standing("shop", "production") == b
    assert ledger.verified("shop", "production") == [b, a]
    assert ledger.rolled_back("shop", "production", release("c").artifact.digest)
    assert not ledger.rolled_back("shop", "production", release("a").artifact.digest)
    assert ledger.unfinished("shop", "production") is None
    record(ledger, clock, lease, "r4", "d", None, None)
    assert ledger.unfinished("shop", "production") == "r4"


def test_deployments_show_what_people_ask_for(ledger, clock):
    """Platform, status, environment, commit, when, by whom; the newest first; one in progress is shown as such."""
    lease = ledger.acquire("shop", "production", "me", 600)
    record(ledger, clock, lease, "r1", "a", Outcome.DEPLOYED, Standing("blue", release("a"), verified=True))
    record(ledger, clock, lease, "r2", "b", None, None)
    newest, oldest = ledger.deployments()
    assert (newest.status, oldest.status) == ("in_progress", "deployed")
    assert (oldest.platform, oldest.environment, oldest.commit_hash) == ("local", "production", "a" * 40)
    assert (oldest.deployed_by, oldest.deployed_at) == ("ada", "2026-11-23T00:00:01.000+00:00")
    assert oldest.metadata["digest"] == release("a").artifact.digest
    assert ledger.deployments(environment="staging") == []
    assert len(ledger.deployments(limit=1)) == 1


def shown(ledger):
    """What people and rollouts are told."""
    places = {(one.service, one.environment) for one in ledger.deployments(limit=1000)}
    return (
        ledger.deployments(limit=1000),
        {place: ledger.unfinished(*place) for place in places},
        ledger.chain(),
    )


def test_what_is_kept_beside_the_events_is_what_they_tell(ledger, tmp_path):
    """In any order, twice, and with rollouts that were taken over: each row is the one that the events derive."""
    chance = random.Random(5)
    entries, _ = lives.history(chance, 40)
    rivals = [lives.SpooledEvent(one.event, one.fence + 7) for one in chance.sample(entries, 30)]
    sent = chance.sample([*entries, *rivals, *entries], 2 * len(entries) + len(rivals))
    for first in range(0, len(sent), 10):
        ledger.replay(sent[first : first + 10])
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        kept, told = (set(db.execute(f"select * from {name}")) for name in ("rollouts", "told"))  # noqa: S608
    assert {row[0] for row in kept} == {one.event.rollout for one in entries}
    assert kept <= told, "where a rollout began twice, one of the two"


@pytest.mark.parametrize("holder", ["", "ada"])
def test_what_is_removed_gives_its_room_back_where_nobody_would_wait_for_it(ledger, clock, tmp_path, holder):
    """The file is smaller after a removal; while a rollout holds a lease it is left as it is, and used again."""
    file = tmp_path / "ledger.db"
    ledger.replay(lives.history(random.Random(6), 300)[0])
    if holder:
        ledger.acquire("shop", "production", holder, 60)
    before, size = list(ledger.deployments(limit=1000)), file.stat().st_size
    removed = 0
    while gone := ledger.forget(datetime(2100, 1, 1, tzinfo=UTC)):
        removed += gone
    assert removed > 20
    assert (file.stat().st_size < size) is not bool(holder)
    assert list(ledger.deployments(limit=1000)) == before
    assert list(chain.damages(ledger.chain(), ledger.links(ledger.chain().first))) == []


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_file_of_the_version_before_is_brought_to_this_one(ledger, clock, tmp_path, forgotten):
    """It derived what it showed each time; what was forgotten stays known, and the chain goes on."""
    ledger.replay(lives.history(random.Random(6), 30)[0])
    if forgotten:
        assert ledger.forget(lives.BEGIN + timedelta(days=5)) > 0
    before = shown(ledger)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.executescript(
            "create table kept_rollouts as select * from rollouts where id not in (select id from told);"
            "drop view deployments; drop table rollouts; create view rollouts as select * from kept_rollouts;"
            "create view deployments as select * from rollouts; pragma user_version = 2"
        )
    again = SqliteLedger(tmp_path / "ledger.db", clock)
    assert shown(again) == before
    record(again, clock, again.acquire("shop", "production", "me", 60), "new", "a", Outcome.ABORTED, None)
    assert "new" in {one.id for one in again.deployments(limit=1000)}


def test_a_file_that_knew_of_no_budget_learns_of_the_next(clock, tmp_path):
    """What ended before stays without any; what ends from now on has them."""
    path, entries = tmp_path / "ledger.db", lives.history(random.Random(6), 30)[0]
    ledger = SqliteLedger(path, clock)
    with closing(sqlite3.connect(path)) as db, db:
        (told,) = db.execute("select sql from sqlite_master where name = 'told'").fetchone()
        head, _, tail = told.partition(",\n         'found'")
        db.execute("drop view told")
        db.execute(head + tail[tail.index("\n       )") :])
        db.execute("pragma user_version = 3")
        for one in entries[:20]:
            sqlite_chain.add(db, link_of(one))
    assert not any("budgets" in one.metadata for one in ledger.deployments(limit=100))
    ledger = SqliteLedger(path, clock)
    ledger.replay(entries[20:])
    every = ledger.deployments(limit=100)
    assert {"budgets" in one.metadata for one in every} == {True, False}
    assert every[0].metadata["budgets"]["rollout"] is not None or every[1].metadata["budgets"]["rollout"] is not None


def link_of(one):
    event = one.event
    place = (event.service, event.environment, json.dumps(dict(event.data)))
    return Link(0, event.rollout, event.seq, one.fence, event.at, event.kind, *place, "")


def test_a_file_of_the_first_version_is_brought_to_this_one(clock, tmp_path):
    """It had no chain: its events get one, in their order."""
    path = tmp_path / "ledger.db"
    entries, _ = lives.history(random.Random(7), 5)
    fields = ("rollout", "seq", "at", "kind", "service", "environment")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"create table events ({', '.join(fields)}, data)")
        rows = [(*(getattr(one.event, name) for name in fields), json.dumps(dict(one.event.data))) for one in entries]
        db.executemany("insert into events values (?, ?, ?, ?, ?, ?, ?)", rows)
    ledger = SqliteLedger(path, clock)
    assert ledger.chain().position == len(entries)
    assert {one.id for one in ledger.deployments()} == {one.event.rollout for one in entries}
    assert list(chain.damages(ledger.chain(), ledger.links(0))) == []


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path, clock):
    """Its bytes are as before, and the error says what to do."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(LedgerDamagedError, match="not a readable ledger"):
        SqliteLedger(path, clock)
    assert path.read_bytes() == b"something else entirely" * 100


def test_a_ledger_that_cannot_be_opened_is_said(tmp_path, clock):
    """A directory in its place."""
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(StateNotWritableError, match="cannot be written"):
        SqliteLedger(tmp_path / "ledger.db", clock)
