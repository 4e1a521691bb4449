"""The ledger that lives in a repository: atomic among any number of writers, and never wrong about its lease.

What every ledger must do is in tests/integration/ledger; here is what only this one has to.
"""

import base64
import json
import random
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.ledger import GitHubLedger
from lockgate.adapters.github.log_files import Limits
from lockgate.adapters.ledger.spool import Spool
from lockgate.adapters.ledger.spooled import SpooledLedger
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.commands import history
from lockgate.commands.github_ledger import open_github_ledger
from lockgate.commands.journals import read_journal
from lockgate.core import chain
from lockgate.core.config import Config
from lockgate.core.config_ledger import LeaseRule, LedgerConfig, LedgerKind
from lockgate.core.leased_log import Head, load_links
from lockgate.core.ledger import LedgerEvent, SpooledEvent
from lockgate.core.log_recent import KEPT
from lockgate.core.metrics import Period, Question
from lockgate.core.reasons import Outcome
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout_model import Plan, Standing
from lockgate.errors import (
    LeaseHeldError,
    LeaseLostError,
    LeaseUnavailableError,
    LedgerDamagedError,
    LedgerRefusedError,
    LedgerUnavailableError,
    StateError,
)
from tests.fixtures.stage import stage

pytestmark = pytest.mark.judged
PLACE = ("shop", "production")


class QuickClock(SystemClock):
    """Real time, in which waiting costs a hundredth."""

    def __init__(self):
        self.skipped = 0.0

    def monotonic(self):
        return super().monotonic() + self.skipped

    def sleep(self, seconds):
        super().sleep(seconds / 100)
        self.skipped += seconds * 0.99


@pytest.fixture
def machine(github, tmp_path):
    """Make the ledger as one more machine sees it."""
    count = iter(range(1000))

    def make(limits=None):
        clock = QuickClock()
        door = GitHub(github.token, github.repository, github.url, clock)
        mirror = SqliteLedger(tmp_path / f"{next(count)}" / "ledger.db", clock)
        return GitHubLedger(door, mirror, clock, limits or Limits())

    return make


@pytest.fixture
def branch(github):
    """Read a document on the branch."""

    def read(path):
        return github.state.blobs[github.state.trees["lockgate-ledger"][path]].decode()

    return read


def release(letter):
    return Release("shop", letter, letter * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + letter * 64))


def event(rollout, seq, kind="happened.judged", data=None, environment="production"):
    at = f"2026-11-25T{10 + int(rollout[1:]) // 60:02d}:{int(rollout[1:]) % 60:02d}:{seq:02d}.000+00:00"
    return LedgerEvent(rollout, seq, at, kind, "shop", environment, data or {})


def record(ledger, lease, rollout, letter, outcome, standing=None, previewed=None, **more):
    plan = Plan(rollout, "production", release(letter), None, (100,), actor="ada", approval="")
    begun = {**more, "plan": plan.to_dict(), "platform": "local", "run_url": ""}
    ledger.append(event(rollout, 0, "rollout.started", begun), lease)
    ledger.append(event(rollout, 1, "happened.previewed" if previewed else "happened.judged", previewed), lease)
    if outcome:
        data = {"outcome": outcome, "reason_code": "ok", "message": "", "standing": standing and standing.to_dict()}
        ledger.append(event(rollout, 2, "rollout.finished", data), lease)


class Collector:
    """What was written while no ledger was there."""

    def __init__(self):
        self.entries = []

    def append(self, event, _):
        self.entries.append(SpooledEvent(event, 1))


def together(*tasks):
    """Run them at the same time; give what each returned or raised."""
    results, gate = [], threading.Barrier(len(tasks))

    def run(task):
        gate.wait()
        try:
            results.append(task())
        except Exception as error:  # noqa: BLE001 - whatever it was is what the test asks about
            results.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_what_one_machine_wrote_another_reads(machine):
    """Journal, what serves, what was verified, what went back; also once the events have moved on."""
    one = machine()
    lease = one.acquire(*PLACE, "ada", 60)
    a, b = Standing("blue", release("a"), verified=True), Standing("green", release("b"), verified=True)
    record(one, lease, "r1", "a", Outcome.DEPLOYED, a)
    record(one, lease, "r2", "b", Outcome.DEPLOYED, b)
    record(one, lease, "r3", "c", Outcome.ROLLED_BACK, b)
    record(one, lease, "r4", "d", None)
    one.release(lease)
    for limits in (Limits(), Limits(long=0, too_long=0, segment=1)):
        two = machine()
        assert two.standing(*PLACE) == b
        assert two.verified(*PLACE) == [b, a]
        assert two.rolled_back(*PLACE, release("c").artifact.digest)
        assert two.unfinished(*PLACE) == "r4"
        assert [e.seq for e in two.events("r1")] == [0, 1, 2]
        assert [e.seq for e in two.events("r4")] == [0, 1]
        assert [d.id for d in two.deployments()] == ["r4", "r3", "r2", "r1"]
        machine(limits).release(machine(limits).acquire(*PLACE, "bob", 60))


@pytest.mark.parametrize("was", ["new", "given back", "expired"])
def test_of_many_who_want_the_lease_one_gets_it(machine, github, was):
    """Eight machines at once: for a new environment, for one given back, for one whose holder is gone."""
    if was != "new":
        first = machine()
        lease = first.acquire(*PLACE, "first", 60)
        if was == "given back":
            first.release(lease)
        github.state.skew += 61
    results = together(*(lambda n=n: machine().acquire(*PLACE, f"m{n}", 60) for n in range(8)))
    assert Counter(type(result).__name__ for result in results) == {"Lease": 1, "LeaseHeldError": 7}
    (won,) = (result for result in results if not isinstance(result, Exception))
    assert machine().holder(*PLACE) == won


def test_an_expired_lease_is_by_githubs_clock_and_its_holder_writes_nothing_more(machine, github):
    """Whatever this machine's clock says; and whoever stood still meanwhile is refused by the write itself."""
    old = machine()
    before = old.acquire(*PLACE, "ada (run 7)", 60)
    with pytest.raises(LeaseHeldError, match=r"ada \(run 7\)"):
        machine().acquire(*PLACE, "bob", 60)
    github.state.skew += 61
    after = machine().acquire(*PLACE, "bob", 60)
    assert before.fence < after.fence
    for forbidden in (lambda: old.append(event("r1", 0), before), lambda: old.renew(before, 60)):
        with pytest.raises(LeaseLostError, match="taken over"):
            forbidden()
    old.release(before)
    assert machine().holder(*PLACE).holder == "bob"
    assert machine().chain().position == 0


def test_concurrent_writers_lose_and_double_nothing(machine, branch):
    """Four environments, each with its own holder, all on one branch, while events move on: each is there once."""

    def write(n):
        ledger = machine(Limits(long=0, too_long=150, segment=3000))
        lease = ledger.acquire("shop", f"e{n}", f"m{n}", 60)
        for seq in range(10):
            for _ in range(2):
                ledger.append(event(f"r{n}", seq, environment=f"e{n}", data={"n": 12345678}), lease)

    assert together(*(lambda n=n: write(n) for n in range(4))) == [None] * 4
    reader = machine()
    links = list(reader.links(0))
    assert list(chain.damages(reader.chain(), links)) == []
    expected = {(f"e{n}", seq): 1 for n in range(4) for seq in range(10)}
    assert Counter((one.environment, one.seq) for one in links) == expected
    assert len(Head.load(branch("head.json")).segments) > 1


@pytest.mark.parametrize("fault", [{"status": 502, "after": True}, {"status": 0, "after": True}, {"status": 503}])
@pytest.mark.parametrize("path", ["head.json", "/contents/"])
def test_a_lost_answer_is_found_out_not_repeated(machine, github, fault, path):
    """The write happened, or it did not: either way the event is there once, and the lease is one."""
    limits = Limits(long=0, too_long=0)
    ledger = machine(limits)
    github.faults.add("PUT", path, **fault)
    lease = ledger.acquire(*PLACE, "ada", 60)
    for seq in range(3):
        for _ in range(3):
            github.faults.add("PUT", path, **fault)
        ledger.append(event("r1", seq, data={"n": seq}), lease)
    assert ledger.holder(*PLACE).fence == lease.fence
    assert [(e.seq, e.data) for e in machine().events("r1")] == [(n, {"n": n}) for n in range(3)]
    assert machine().chain().position == 3


def test_a_heartbeat_writes_only_when_it_must(machine, github):
    """Half of the lease is left: nothing is written. Less: it runs from now again."""
    ledger = machine()
    lease = ledger.acquire(*PLACE, "ada", 60)
    written = len(github.state.commits)
    ledger.renew(lease, 60)
    assert len(github.state.commits) == written
    github.state.skew += 40
    ledger.renew(lease, 60)
    assert len(github.state.commits) == written + 1
    github.state.skew += 40
    with pytest.raises(LeaseHeldError):
        machine().acquire(*PLACE, "bob", 60)


def test_a_repository_that_may_not_be_written_says_what_to_grant(machine, github, tmp_path):
    """Nothing is begun, and the permission is named; where the lease is optional, it is begun and kept on this machine."""
    github.permissions["contents"] = "read"
    said = []
    for rule in LeaseRule:
        ledger = SpooledLedger(machine(), Spool(tmp_path / rule), QuickClock(), rule, said.append)
        if rule is LeaseRule.REQUIRED:
            with pytest.raises(LeaseUnavailableError, match="nothing was begun") as refused:
                ledger.acquire(*PLACE, "ada", 60)
            assert "contents=write" in refused.value.why
            assert "docs/github.md" in refused.value.fix
        else:
            lease = ledger.acquire(*PLACE, "ada", 60)
            ledger.append(event("r1", 0), lease)
            assert [one.event.id for one in ledger.spool.entries("r1")] == ["r1/0"]
    assert any("Resource not accessible" in text for text in said)


@pytest.mark.parametrize(
    ("fault", "error", "told"),
    [
        ({"status": 409, "message": "Repository rule violations found\n\nChanges must be made through a pull request."}, LedgerRefusedError, "Exclude lockgate-ledger"),
        ({"status": 409, "message": "is at 0929670 but expected c45b544"}, LedgerUnavailableError, "fewer runs"),
        ({"status": 403, "message": "You have exceeded a secondary rate limit.", "headers": {"retry-after": "60"}}, LedgerUnavailableError, "Try again"),
        ({"status": 500}, LedgerUnavailableError, "Try again"),
    ],
)  # fmt: skip
def test_what_github_refuses_is_told_apart(machine, github, fault, error, told):
    """A rule of the repository is named at once; others who are faster, limits and outages are worth another try."""
    ledger = machine()
    lease = ledger.acquire(*PLACE, "ada", 60)
    github.faults.add("PUT", "/contents", times=99, **fault)
    with pytest.raises(error) as refused:
        ledger.append(event("r1", 0), lease)
    assert told in refused.value.fix
    github.faults.clear()
    ledger.append(event("r1", 0), lease)
    assert machine().chain().position == 1


def test_a_document_that_somebody_spoilt_is_left_alone(machine, github):
    """Nothing is overwritten that cannot be read."""
    machine().acquire(*PLACE, "ada", 60)
    tree = github.state.trees["lockgate-ledger"]
    github.state.blobs[tree["head.json"]] = b'{"odd": 1}'
    with pytest.raises(LedgerDamagedError, match=r"head\.json"):
        machine().acquire(*PLACE, "ada", 60)


HOSTILE = [None, True, -1, 2**63, 1e400, "", "x", "\ud800", "9999-99-99", "0001-01-01T00:00:00+14:00", [], [[]], {}, {"$parts": []},
           {"$parts": ["0" * 64]}, {"a": {"a": 1}}]  # fmt: skip


def spoilt(chance, document):
    """Give a document with something else in one place, anywhere in it."""
    whole = json.loads(document)
    places = [(whole, key) for key in (whole if isinstance(whole, dict) else range(len(whole)))]
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, dict | list):
            places += [(inner, each) for each in (inner if isinstance(inner, dict) else range(len(inner)))]
    holder, key = chance.choice(places)
    holder[key] = chance.choice(HOSTILE)
    return json.dumps(whole).encode()


def read_all(ledger):
    """Ask everything, and make of it what commands do."""
    question = Question("", "", datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC), Period.WEEK)
    asked = [
        *(lambda kind=kind: getattr(ledger, kind)(*PLACE) for kind in ("standing", "verified", "unfinished", "holder")),
        *(lambda rollout=rollout: read_journal(ledger, rollout) for rollout in ("r1", "r2", "r3")),
        lambda: "".join(part for row in history.rows(ledger.deployments(limit=9)) for part in row).encode(),
        lambda: ledger.metrics(question),
        lambda: list(chain.damages(ledger.chain(), ledger.links(0))),
    ]
    for ask in asked:
        with suppress(StateError):
            ask()


@pytest.mark.parametrize("limits", [None, Limits(long=1, too_long=1)], ids=["in the head", "in segments"])
def test_whatever_is_forged_on_the_branch_is_an_error_of_the_ledger(machine, github, limits):
    """Any value in any place of any document: each question has an answer, or says that the ledger is damaged."""
    chance = random.Random(12)
    ledger = machine(limits)
    for number, (outcome, letter) in enumerate([(Outcome.DEPLOYED, "a"), (Outcome.ROLLED_BACK, "b"), (None, "c")], 1):
        lease = ledger.acquire(*PLACE, "ada", 60)
        previewed = {"revision": "green", "passed": True, "reason_code": "ok", "message": ""}
        stands = Standing("blue", release("a"), verified=True)
        record(
            ledger, lease, f"r{number}", letter, outcome, stands, previewed, change={"committed_at": ""}, big="x" * 9000
        )
        ledger.release(lease)
    tree, blobs = github.state.trees["lockgate-ledger"], github.state.blobs
    read_all(machine(limits))
    for _ in range(12):
        sha = tree[chance.choice([path for path in tree if not path.startswith("parts/")])]
        good = blobs[sha]
        blobs[sha] = spoilt(chance, good)
        read_all(machine(limits))
        blobs[sha] = good
    assert machine(limits).standing(*PLACE) == stands


def test_large_evidence_is_written_once_and_comes_back_whole(machine, github, branch):
    """The scan that a release came with is no part of what every later event sends again."""
    ledger = machine()
    lease = ledger.acquire(*PLACE, "ada", 60)
    scan = {"findings": [{"id": f"CVE-2026-{n}", "package": "ß" * 20} for n in range(8000)]}
    record(ledger, lease, "r1", "a", Outcome.DEPLOYED, Standing("blue", release("a"), verified=True), scan=scan)
    assert len(branch("head.json")) < 8000
    assert max(len(github.state.blobs[sha]) for sha in github.state.trees["lockgate-ledger"].values()) < 1_000_000
    reader = machine()
    assert reader.events("r1")[0].data["scan"] == scan
    assert list(chain.damages(reader.chain(), reader.links(0))) == []
    part = next(path for path in github.state.trees["lockgate-ledger"] if path.startswith("parts/"))
    github.state.blobs[github.state.trees["lockgate-ledger"][part]] = b"[]"
    reader = machine()
    (damage,) = chain.damages(reader.chain(), reader.links(0))
    assert damage.what == "changed: r1/0 rollout.started"


def test_much_history_costs_no_more_to_begin(machine, github):
    """After 130 rollouts a new machine reads what serves in a few requests; and whoever wants all of them gets all."""
    stands = Standing("blue", release("a"), verified=True)
    spooled = Collector()
    for n in range(130):
        record(spooled, None, f"r{n}", "a", Outcome.DEPLOYED, stands)
    machine(Limits(segment=20_000)).replay(spooled.entries)
    reader = machine()
    before = len(github.exchanges.all())
    assert reader.standing(*PLACE) == stands
    assert [one.seq for one in reader.events("r129")] == [0, 1, 2]
    assert len(reader.deployments(limit=KEPT)) == KEPT
    assert len(github.exchanges.all()) - before <= 6
    assert len(reader.deployments(limit=1000)) == 130
    assert [one.seq for one in reader.events("r0")] == [0, 1, 2]


def test_history_is_readable_where_it_lies(machine, branch):
    """One event a line, in order: people can read it on GitHub, and git keeps what changed."""
    ledger = machine(Limits(too_long=0))
    lease = ledger.acquire(*PLACE, "ada", 60)
    record(ledger, lease, "r1", "a", None)
    segment = branch("events/000000000001.json")
    assert [one.kind for one in load_links(segment)] == ["rollout.started", "happened.judged"]
    assert len(segment.splitlines()) == 4


def test_a_secret_that_looks_like_base64_spoils_no_document(github, tmp_path):
    """What GitHub is told is redacted; a file is sent encoded, and any four letters may be in that by chance."""
    config = Config("shop", ledger=LedgerConfig(LedgerKind.GITHUB))
    env = {"GITHUB_REPOSITORY": github.repository, "GITHUB_API_URL": github.url, "LOCKGATE_GITHUB_TOKEN": github.token}
    project = stage(tmp_path, config, env).project
    project.console.secrets.append(base64.b64encode(b'{"version"')[:8].decode())
    ledger = open_github_ledger(project)
    lease = ledger.acquire(*PLACE, "ada", 60)
    assert open_github_ledger(project).holder(*PLACE) == lease


def test_without_a_token_it_is_said_how_to_get_one(tmp_path):
    """On a machine where nobody is signed in."""
    env = {"GITHUB_REPOSITORY": "ada/shop", "PATH": "/nonexistent"}
    with pytest.raises(LedgerRefusedError, match="no token") as refused:
        open_github_ledger(stage(tmp_path, Config("shop", ledger=LedgerConfig(LedgerKind.GITHUB)), env).project)
    assert "gh auth login" in refused.value.fix


def test_a_repository_that_is_hidden_is_no_empty_ledger(github, tmp_path):
    """GitHub answers 404 for what a token may not see: what runs there is then not known, instead of nothing."""
    clock = QuickClock()
    door = GitHub(github.token, "ada/hidden", github.url, clock)
    with pytest.raises(LedgerRefusedError, match="404"):
        GitHubLedger(door, SqliteLedger(tmp_path / "ledger.db", clock), clock).standing(*PLACE)


def test_one_ledger_serves_all_targets_of_a_fleet(machine):
    """Threads of one process: they meet no conflicts with each other, and each knows at once what was written."""
    ledger = machine()

    def deploy(n):
        lease = ledger.acquire("shop", f"e{n}", f"m{n}", 60)
        for round_ in range(4):
            plan = Plan(f"r{n}{round_}", f"e{n}", release("a"), None, (100,), actor="ada", approval="")
            begun = {"plan": plan.to_dict(), "platform": "local", "run_url": ""}
            ledger.append(event(f"r{n}{round_}", 0, "rollout.started", begun, environment=f"e{n}"), lease)
            assert ledger.unfinished("shop", f"e{n}") == f"r{n}{round_}"

    assert together(*(lambda n=n: deploy(n) for n in range(1, 6))) == [None] * 5
    assert ledger.chain().position == 20
