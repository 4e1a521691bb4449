"""The ledger that lives in a repository: atomic among any number of writers, and never wrong about its lease."""

import threading
from collections import Counter

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.ledger import GitHubLedger
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.core.ledger import LedgerEvent
from lockgate.core.reasons import Outcome
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout_model import Plan, Standing
from lockgate.errors import LeaseHeldError, LeaseLostError, LedgerDamagedError, StateError

pytestmark = pytest.mark.judged


class QuickClock(SystemClock):
    """Real time, in which waiting costs a hundredth."""

    def sleep(self, seconds):
        super().sleep(seconds / 100)


@pytest.fixture
def machine(github, tmp_path):
    """Make the ledger as one more machine sees it."""
    count = iter(range(1000))

    def make():
        clock = QuickClock()
        door = GitHub(github.token, github.repository, github.url, clock)
        return GitHubLedger(door, SqliteLedger(tmp_path / f"{next(count)}" / "ledger.db", clock), clock)

    return make


def release(letter):
    return Release("shop", letter, letter * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + letter * 64))


def event(rollout, seq, kind="happened.judged", data=None, environment="production"):
    at = f"2026-11-25T10:{int(rollout[1:]):02d}:{seq:02d}.000+00:00"
    return LedgerEvent(rollout, seq, at, kind, "shop", environment, data or {})


def record(ledger, lease, rollout, letter, outcome, standing=None):
    plan = Plan(rollout, "production", release(letter), None, (100,), actor="ada", approval="")
    ledger.append(
        event(rollout, 0, "rollout.started", {"plan": plan.to_dict(), "platform": "local", "run_url": ""}), lease
    )
    ledger.append(event(rollout, 1), lease)
    if outcome:
        data = {"outcome": outcome, "reason_code": "ok", "message": "", "standing": standing and standing.to_dict()}
        ledger.append(event(rollout, 2, "rollout.finished", data), lease)


def test_what_one_machine_wrote_another_reads(machine):
    """Journal, what serves, what was verified, what went back; also when the journal has moved on."""
    one, two = machine(), machine()
    lease = one.acquire("shop", "production", "ada", 60)
    a, b = Standing("blue", release("a"), verified=True), Standing("green", release("b"), verified=True)
    record(one, lease, "r1", "a", Outcome.DEPLOYED, a)
    record(one, lease, "r2", "b", Outcome.DEPLOYED, b)
    record(one, lease, "r3", "c", Outcome.ROLLED_BACK, b)
    record(one, lease, "r4", "d", None)
    one.release(lease)
    for _ in range(2):  # before and after the next holder has tidied up
        assert two.standing("shop", "production") == b
        assert two.verified("shop", "production") == [b, a]
        assert two.rolled_back("shop", "production", release("c").artifact.digest)
        assert two.unfinished("shop", "production") == "r4"
        assert [e.seq for e in two.events("r1")] == [0, 1, 2]
        assert [e.seq for e in two.events("r4")] == [0, 1]
        assert [d.id for d in two.deployments()] == ["r4", "r3", "r2", "r1"]
        two = machine()
        two.release(two.acquire("shop", "production", "bob", 60))
        two = machine()


def test_of_many_who_want_the_lease_one_gets_it(machine):
    """Eight machines at once, for a new environment, for one given back, and for one that expired."""
    for round_ in range(3):
        won, refused, gate = [], [], threading.Barrier(8)

        def want(name, won=won, refused=refused, gate=gate):
            ledger = machine()
            gate.wait()
            try:
                won.append((ledger, ledger.acquire("shop", "production", name, 60)))
            except LeaseHeldError as error:
                refused.append(error)

        threads = [threading.Thread(target=want, args=(f"m{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(refused)) == (1, 7)
        ledger, lease = won[0]
        assert lease.fence == round_ + 1
        ledger.release(lease)


def test_an_expired_lease_is_taken_over_once_and_fences_the_old_holder(machine, github):
    """By GitHub's clock, whatever this machine's says; the one who stood still writes nothing any more."""
    old = machine()
    before = old.acquire("shop", "production", "ada (run 7)", 60)
    with pytest.raises(LeaseHeldError, match=r"ada \(run 7\)"):
        machine().acquire("shop", "production", "bob", 60)
    github.state.skew += 61
    new = machine()
    after = new.acquire("shop", "production", "bob", 60)
    assert (before.fence, after.fence) == (1, 2)
    for forbidden in (lambda: old.append(event("r1", 0), before), lambda: old.renew(before, 60)):
        with pytest.raises(LeaseLostError, match="taken over by bob"):
            forbidden()
    old.release(before)
    assert machine().holder("shop", "production").holder == "bob"


def test_concurrent_writers_lose_and_double_nothing(machine, github):
    """Four environments, each with its own holder, all on one branch: every event is there once."""

    def write(name):
        ledger = machine()
        lease = ledger.acquire("shop", name, name, 60)
        for seq in range(10):
            ledger.append(event("r1", seq, environment=name), lease)
            ledger.append(event("r1", seq, environment=name), lease)

    threads = [threading.Thread(target=write, args=(f"e{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heads = {path: github.state.blobs[sha] for path, sha in github.state.trees["lockgate-ledger"].items()}
    counted = Counter(path for path, text in heads.items() for _ in range(text.count(b'"seq":')))
    assert counted == {f"heads/shop.e{n}.json": 10 for n in range(4)}


@pytest.mark.parametrize("fault", [{"status": 502, "after": True}, {"status": 0, "after": True}, {"status": 503}])
def test_a_lost_answer_is_found_out_not_repeated(machine, github, fault):
    """The write happened, or it did not: either way the event is there once, and the lease is one."""
    ledger = machine()
    github.faults.add("PUT", "/contents/heads", **fault)
    lease = ledger.acquire("shop", "production", "ada", 60)
    github.faults.add("PUT", "/contents/heads", **fault)
    ledger.append(event("r1", 0), lease)
    assert (lease.fence, [e.seq for e in machine().events("r1")]) == (1, [0])


def test_a_heartbeat_writes_only_when_it_must(machine, github):
    """Half of the lease is left: nothing is written. Less: it runs from now again."""
    ledger = machine()
    lease = ledger.acquire("shop", "production", "ada", 60)
    written = len(github.state.commits)
    ledger.renew(lease, 60)
    assert len(github.state.commits) == written
    github.state.skew += 40
    machine().holder("shop", "production")
    ledger.holder("shop", "production")
    ledger.renew(lease, 60)
    assert len(github.state.commits) == written + 1
    github.state.skew += 40
    with pytest.raises(LeaseHeldError):
        machine().acquire("shop", "production", "bob", 60)


def test_a_repository_that_may_not_be_written_says_what_to_grant(machine, github):
    """As an error of the ledger, so that whoever runs a rollout treats it as one."""
    github.permissions["contents"] = "read"
    with pytest.raises(StateError, match="Resource not accessible") as refused:
        machine().acquire("shop", "production", "ada", 60)
    assert "contents=write" in refused.value.why


def test_a_file_that_somebody_spoilt_is_left_alone(machine, github):
    """Nothing is overwritten that cannot be read."""
    machine().acquire("shop", "production", "ada", 60)
    tree = github.state.trees["lockgate-ledger"]
    github.state.blobs[tree["heads/shop.production.json"]] = b'{"odd": 1}'
    with pytest.raises(LedgerDamagedError, match=r"heads/shop\.production\.json"):
        machine().acquire("shop", "production", "ada", 60)
