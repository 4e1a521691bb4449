"""One suite for every ledger: whoever holds to `core.ledger.Ledger` behaves like this."""

import random
from datetime import timedelta
from itertools import product

import pytest

from lockgate.core import chain
from lockgate.core.ledger import LedgerEvent, SpooledEvent, fence_of
from lockgate.core.metrics import ROLLBACK, Median, Period, Question, count
from lockgate.core.reasons import Outcome
from lockgate.errors import LeaseHeldError, LeaseLostError
from tests.integration.ledger import kinds, lives
from tests.integration.ledger.lives import finished, release, stands, started

PLACE = ("shop", "production")


def event(clock, rollout, seq, kind, data, environment="production", service="shop"):
    return LedgerEvent(rollout, seq, clock.now().isoformat(timespec="milliseconds"), kind, service, environment, data)


def record(kind, lease, rollout, letter, outcome, standing, service="shop"):
    """Write the first and the last event of a rollout."""
    begun = event(kind.clock, rollout, 0, "rollout.started", started(letter, rollout), service=service)
    kind.ledger.append(begun, lease)
    kind.clock.sleep(1)
    if outcome:
        ended = event(kind.clock, rollout, 1, "rollout.finished", finished(outcome, standing), service=service)
        kind.ledger.append(ended, lease)
    kind.clock.sleep(1)


def test_an_event_recorded_twice_is_there_once(kind, ledger):
    """A retry after a lost answer doubles nothing, and strange text comes back as it went in."""
    lease = ledger.acquire(*PLACE, "me", 60)
    written = event(
        kind.clock, "r1", 0, "x", {"a": 1, "text": "ß 🚢 \x1b[31m ' \" \\ \n {} %s", "deep": [{"b": None}, 1.5, True]}
    )
    for _ in range(2):
        ledger.append(written, lease)
    assert list(ledger.events("r1")) == [written]


def test_the_lease_is_exclusive_and_says_who_has_it(ledger):
    """The second one learns the holder and the time; another environment is another lease."""
    mine = ledger.acquire(*PLACE, "ada (run 7)", 60)
    with pytest.raises(LeaseHeldError, match=r"ada \(run 7\)") as refused:
        ledger.acquire(*PLACE, "bob", 60)
    assert mine.expires_at[:16] in refused.value.why
    assert ledger.holder(*PLACE).holder == "ada (run 7)"
    ledger.acquire("shop", "staging", "bob", 60)


def test_a_released_or_expired_lease_is_free(kind, ledger):
    """Given back, or its holder gone: the next one gets a higher fence."""
    first = ledger.acquire(*PLACE, "a", 60)
    ledger.release(first)
    assert ledger.holder(*PLACE) is None
    second = ledger.acquire(*PLACE, "b", 60)
    kind.expire_leases()
    third = ledger.acquire(*PLACE, "c", 60)
    assert first.fence < second.fence < third.fence


def test_a_heartbeat_keeps_the_lease(kind, ledger):
    """Renewed, also after its time, it is nobody else's."""
    lease = ledger.acquire(*PLACE, "a", 60)
    kind.expire_leases()
    ledger.renew(lease, 60)
    with pytest.raises(LeaseHeldError):
        ledger.acquire(*PLACE, "b", 60)


def test_a_writer_with_an_old_fence_is_refused(kind, ledger):
    """The one who stood still while its lease was taken writes nothing any more; what it had written can be repeated."""
    old = ledger.acquire(*PLACE, "a", 60)
    known = event(kind.clock, "r0", 0, "x", {})
    ledger.append(known, old)
    kind.expire_leases()
    new = ledger.acquire(*PLACE, "b", 60)
    with pytest.raises(LeaseLostError):
        ledger.append(event(kind.clock, "r1", 0, "x", {}), old)
    with pytest.raises(LeaseLostError):
        ledger.renew(old, 60)
    ledger.release(old)
    ledger.append(known, old)
    assert list(ledger.events("r1")) == []
    assert ledger.holder(*PLACE).fence == new.fence


def test_what_stands_follows_from_the_endings(kind, ledger):
    """The last ending says what serves; every verified release stays known, the newest first."""
    lease = ledger.acquire(*PLACE, "me", 600)
    a, b = stands("a"), stands("b", "green")
    assert ledger.standing(*PLACE) is None
    record(kind, lease, "r1", "a", Outcome.DEPLOYED, a)
    record(kind, lease, "r2", "b", Outcome.DEPLOYED, b)
    record(kind, lease, "r3", "c", Outcome.ROLLED_BACK, b)
    assert ledger.standing(*PLACE) == b
    assert list(ledger.verified(*PLACE)) == [b, a]
    assert ledger.rolled_back(*PLACE, release("c").artifact.digest)
    assert not ledger.rolled_back(*PLACE, release("a").artifact.digest)
    assert ledger.unfinished(*PLACE) is None
    record(kind, lease, "r4", "d", None, None)
    assert ledger.unfinished(*PLACE) == "r4"


def test_half_a_letter_blocks_no_journal(kind, ledger):
    """A version header with a byte that is no UTF-8, or JSON with half a surrogate pair: kept with a sign, and read back."""
    lease = ledger.acquire(*PLACE, "me", 600)
    begun = started("a", "r1")
    begun["plan"]["release"]["version"] = "v1\udce9"
    ledger.append(event(kind.clock, "r1", 0, "rollout.started", begun), lease)
    ledger.append(event(kind.clock, "r1", 1, "x", {"\ud83d": ["\udce9", "🚢"]}), lease)
    ledger.append(event(kind.clock, "r1", 2, "rollout.finished", finished(Outcome.DEPLOYED, stands("a"))), lease)
    assert [one.seq for one in ledger.events("r1")] == [0, 1, 2]
    assert ledger.deployments()[0].version == "v1\ufffd"
    assert ledger.events("r1")[1].data == {"\ufffd": ["\ufffd", "🚢"]}
    assert list(chain.damages(ledger.chain(), ledger.links(0))) == []


def test_deployments_show_what_people_ask_for(kind, ledger):
    """Platform, status, environment, commit, when, by whom; the newest first; one in progress is shown as such."""
    lease = ledger.acquire(*PLACE, "me", 600)
    began = kind.clock.now()
    record(kind, lease, "r1", "a", Outcome.DEPLOYED, stands("a"))
    record(kind, lease, "r2", "b", None, None)
    newest, oldest = ledger.deployments()
    assert (newest.status, oldest.status) == ("in_progress", "deployed")
    assert (oldest.platform, oldest.environment, oldest.commit_hash) == ("local", "production", "a" * 40)
    at = (began + timedelta(seconds=1)).isoformat(timespec="milliseconds")
    assert (oldest.deployed_by, oldest.deployed_at) == ("ada", at)
    assert (oldest.metadata["digest"], oldest.metadata["kind"]) == (release("a").artifact.digest, "deploy")
    assert set(newest.metadata) == set(oldest.metadata)
    assert list(ledger.deployments(environment="staging")) == []
    assert [one.id for one in ledger.deployments(service="shop", environment="production", limit=1)] == ["r2"]


def test_what_arrives_late_is_history_and_changes_nothing_newer(kind, ledger):
    """A rollout that ended while the ledger was away, replayed after the next one: recorded, and what stands stays."""
    old = ledger.acquire(*PLACE, "a", 60)
    late = [SpooledEvent(event(kind.clock, "r1", 0, "rollout.started", started("a", "r1")), old.fence)]
    late.append(
        SpooledEvent(event(kind.clock, "r1", 1, "rollout.finished", finished(Outcome.DEPLOYED, stands("a"))), old.fence)
    )
    kind.expire_leases()
    new = ledger.acquire(*PLACE, "b", 60)
    record(kind, new, "r2", "b", Outcome.DEPLOYED, stands("b"))
    assert ledger.replay(late) == 2
    assert ledger.replay(late) == 0
    assert ledger.standing(*PLACE) == stands("b")
    assert {one.id: one.status for one in ledger.deployments()} == {"r1": "deployed", "r2": "deployed"}
    assert list(ledger.verified(*PLACE)) == [stands("b"), stands("a")]


def test_a_rollout_that_was_taken_over_has_one_journal(kind, ledger):
    """Both wrote the same numbers: the one who took the lease over is believed, the other one stays in the chain."""
    old = ledger.acquire(*PLACE, "a", 60)
    ledger.append(event(kind.clock, "r1", 0, "rollout.started", started("a", "r1")), old)
    ledger.append(event(kind.clock, "r1", 1, "happened.previewed", {}), old)
    kind.expire_leases()
    new = ledger.acquire(*PLACE, "b", 60)
    ledger.append(event(kind.clock, "r1", 2, "happened.stopped", {}), new)
    ledger.append(event(kind.clock, "r1", 3, "rollout.finished", finished(Outcome.ABORTED, None)), new)
    ending = finished(Outcome.DEPLOYED, stands("a"))
    forked = [SpooledEvent(event(kind.clock, "r1", n, f"happened.{n}", {}), old.fence) for n in (2, 3, 4)]
    forked.append(SpooledEvent(event(kind.clock, "r1", 5, "rollout.finished", ending), old.fence))
    assert ledger.replay(forked) == 4
    assert [one.kind for one in ledger.events("r1")] == [
        *("rollout.started", "happened.previewed", "happened.stopped", "rollout.finished")
    ]
    assert [one.status for one in ledger.deployments()] == ["aborted"]
    assert ledger.standing(*PLACE) is None
    assert len(list(ledger.links(0))) == 8


def life(kind, count_of):
    """Many rollouts of two environments, as somebody would have spooled them."""
    entries, now = [], kind.clock.now()
    for number in range(count_of):
        kind.clock.sleep(7)
        rollout, fence = f"r{number:04}", fence_of(kind.clock.now())
        outcome = list(Outcome)[number % 4]
        place = ("production", "staging")[number % 2]
        letter = "abcdef"[number % 6]
        kinds = [("rollout.started", started(letter, rollout, committed_at=now.isoformat(), merged_at=""))]
        kinds += [("happened.shifted", {}), ("rollout.finished", finished(outcome, stands(letter, rollout)))]
        for seq, (what, data) in enumerate(kinds):
            kind.clock.sleep(1)
            entries.append(SpooledEvent(event(kind.clock, rollout, seq, what, data, place), fence))
    return entries


def shown(ledger):
    """Everything that is derived, in one value."""
    return (
        [ledger.standing("shop", place) for place in ("production", "staging")],
        [list(ledger.verified("shop", place)) for place in ("production", "staging")],
        list(ledger.deployments(limit=1000)),
        [[one.kind for one in ledger.events(f"r{n:04}")] for n in range(3)],
    )


def test_order_and_repetition_change_nothing(kind, ledger):
    """Replayed in order, then twice and shuffled into a second half: as if each had come once, in its time."""
    entries = life(kind, 40)
    half = len(entries) // 2
    ledger.replay(random.Random(1).sample(entries[half:], half))
    ledger.replay(random.Random(2).sample(entries * 2, len(entries) * 2))
    assert len(list(ledger.links(0))) == len(entries)
    assert list(chain.damages(ledger.chain(), ledger.links(0))) == []
    newest = {e.event.environment: e.event.data["standing"]["revision"] for e in entries if "standing" in e.event.data}
    assert [ledger.standing("shop", place).revision for place in newest] == list(newest.values())
    statuses = {one.id: one.status for one in ledger.deployments(limit=1000)}
    assert statuses == {e.event.rollout: e.event.data["outcome"] for e in entries if "outcome" in e.event.data}
    before = shown(ledger)
    ledger.replay(entries)
    assert shown(ledger) == before


@pytest.mark.parametrize(
    ("sqlite", "postgres", "found"),
    [
        ("update events set data = '{}' where position = 2", "update deployment_events set data = '{}' where position = 2", "changed: r1/1"),
        ("update events set seq = 9 where position = 3", "update deployment_events set seq = 9 where position = 3", "changed: r1/9"),
        ("delete from events where position = 2", "delete from deployment_events where position = 2", "missing: 2"),
        ("delete from events where position > 1", "delete from deployment_events where position > 1", "missing at the end: 2 to 3"),
        ("delete from events", "delete from deployment_events", "missing at the end: 1 to 3"),
    ],
)  # fmt: skip
def test_a_change_by_somebody_with_all_rights_is_found(kind, ledger, sqlite, postgres, found):
    """A changed, a removed, a cut off row: the chain says where."""
    lease = ledger.acquire(*PLACE, "me", 60)
    for seq in range(3):
        ledger.append(event(kind.clock, "r1", seq, "x", {"n": seq}), lease)
    assert list(chain.damages(ledger.chain(), ledger.links(0))) == []
    kind.tamper(sqlite, postgres)
    first = next(chain.damages(ledger.chain(), ledger.links(ledger.chain().first)))
    assert first.what.startswith(found)


def test_forgetting_keeps_the_chain_and_what_is_known(kind, ledger):
    """The oldest events go, up to the first that is younger or whose rollout goes on; nothing else is lost by it."""
    lease = ledger.acquire(*PLACE, "me", 600)
    record(kind, lease, "r1", "a", Outcome.DEPLOYED, stands("a"))
    record(kind, lease, "r2", "b", None, None)
    record(kind, lease, "r3", "c", Outcome.DEPLOYED, stands("c"))
    before = (ledger.standing(*PLACE), list(ledger.verified(*PLACE)), list(ledger.deployments()))
    later = kind.clock.now() + timedelta(days=1)
    assert ledger.forget(later) == 2
    assert ledger.forget(later) == 0
    assert (ledger.standing(*PLACE), list(ledger.verified(*PLACE)), list(ledger.deployments())) == before
    record(kind, lease, "r4", "d", Outcome.DEPLOYED, stands("d"))
    cut = ledger.chain()
    assert (cut.first, cut.position) == (2, 7)
    assert list(chain.damages(cut, ledger.links(cut.first))) == []
    assert ledger.unfinished(*PLACE) == "r2"


def test_a_rollout_whose_beginning_never_came_keeps_nothing_from_going(kind, ledger):
    """It cannot go on, so it would stand in the way of every removal for good."""
    lease = ledger.acquire(*PLACE, "me", 600)
    ledger.append(event(kind.clock, "r0", 3, "happened.shifted", {}), lease)
    record(kind, lease, "r1", "a", Outcome.DEPLOYED, stands("a"))
    assert ledger.forget(kind.clock.now() + timedelta(days=1)) == 3
    assert list(chain.damages(ledger.chain(), ledger.links(ledger.chain().first))) == []


def test_every_ledger_measures_the_same(kind, ledger):
    """The database's own counting, and the one in core/metrics.py over the same rollouts: every service, place, period."""
    entries, ended = lives.history(random.Random(5), 120)
    ledger.replay(entries)
    since, end = ended[20].at, ended[-1].at + timedelta(days=1)
    asked = list(product(("", "shop", "other"), ("", "production"), [since], (ended[-20].at, end), Period))
    for question in (Question(*one) for one in asked):
        assert list(ledger.metrics(question)) == list(count(question, ended)), question
    everything = [one for one in ledger.metrics(Question("", "", since, end, Period.WEEK)) if one.bucket is None]
    assert [(one.service, one.environment) for one in everything] == lives.PLACES
    kinds_of_count = ("deployed", "returned", "rolled_back", "broken", "aborted", "repeated", "open")
    assert all(sum(getattr(one, name) for one in everything) for name in kinds_of_count)


def test_a_release_that_broke_and_was_rolled_back_by_hand_is_the_only_failure(kind, ledger):
    """Counted by hand: a is deployed; ten days later b breaks under its traffic, and 20 minutes after that a is back."""
    rollouts = (
        ("r1", "a", "deploy", Outcome.DEPLOYED, timedelta(0)),
        ("r2", "b", "deploy", Outcome.BROKEN, timedelta(days=10)),
        ("r3", "a", ROLLBACK, Outcome.DEPLOYED, timedelta(days=10, minutes=20)),
    )
    for rollout, letter, of, outcome, after in rollouts:
        over = lives.BEGIN + after
        told = (
            lives.started(letter, rollout, **({"kind": of} if of == ROLLBACK else {})),
            {},
            finished(outcome, stands("a")),
        )
        kinds_of_event = ("rollout.started", "happened.shifted", "rollout.finished")
        for seq, (what, data) in enumerate(zip(kinds_of_event, told, strict=True)):
            at = over if seq == 2 or outcome is Outcome.BROKEN else over - timedelta(minutes=5)
            one = LedgerEvent(rollout, seq, at.isoformat(timespec="milliseconds"), what, *PLACE, data)
            ledger.replay([SpooledEvent(one, fence_of(over))])
    whole, *_ = ledger.metrics(Question("", "", lives.BEGIN, lives.BEGIN + timedelta(days=30), Period.WEEK))
    assert (whole.deployed, whole.broken, whole.returned, whole.open) == (1, 1, 0, 0)
    assert (whole.failed, whole.changes, whole.failure_rate) == (1, 2, 0.5)
    assert whole.restore == Median(1, 20 * 60)


def test_the_older_kind_of_key_opens_the_same_ledger(databases, database, project):
    """A project that still has its `service_role` JWT writes and reads with it, and what it wrote is the same."""
    kind = kinds.supabase_kind(databases, database, project, project.keys.mint("service_role"))
    lease = kind.ledger.acquire(*PLACE, "me", 60)
    record(kind, lease, "r1", "a", Outcome.DEPLOYED, stands("a"))
    assert project.requests[-1][2]["Authorization"].startswith("Bearer ey")
    other = kinds.supabase_kind(databases, database, project)
    assert other.ledger.standing(*PLACE) == stands("a")
    assert "Authorization" not in project.requests[-1][2]
    assert shown(other.ledger) == shown(kind.ledger)
