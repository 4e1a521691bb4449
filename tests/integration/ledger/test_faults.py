"""A shared ledger that fails in the middle of a rollout: never in its way, and nothing of it lost or doubled."""

import random
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import pytest

from lockgate.adapters.ledger.called import CalledLedger
from lockgate.adapters.ledger.postgres import PostgresCall
from lockgate.adapters.ledger.spool import Spool
from lockgate.adapters.ledger.spooled import PAUSE, SpooledLedger
from lockgate.adapters.ledger.supabase import SupabaseCall
from lockgate.core import chain
from lockgate.core.config_ledger import LeaseRule
from lockgate.core.ledger import Ledger
from lockgate.core.reasons import Outcome
from lockgate.errors import (
    DiskFullError,
    LeaseHeldError,
    LeaseLostError,
    LeaseUnavailableError,
    LedgerRefusedError,
    LedgerUnavailableError,
)
from tests.integration.ledger import lives
from tests.integration.ledger.scripted import MovingClock, Scripted
from tests.integration.ledger.test_every_ledger import PLACE
from tests.postgres import Databases, Server, Wire

EVENTS = 19
"""What a rollout in two steps writes when it goes well."""


@dataclass
class Counting:
    """Calls the database, and does something to the world before the calls that a test names."""

    call: object
    plan: dict = field(default_factory=dict)
    count: int = 0

    def __call__(self, function, arguments):
        if function == "lockgate_append":
            self.count += 1
            self.plan.pop(self.count, lambda: None)()
        return self.call(function, arguments)


@dataclass
class Bench:
    """One machine with a spool, a ledger somewhere else, and the wire between them."""

    folder: object
    call: object
    wire: Wire
    direct: Ledger
    owner: object
    clock: MovingClock = field(default_factory=MovingClock)
    rule: LeaseRule = LeaseRule.REQUIRED
    said: list = field(default_factory=list)

    def __post_init__(self):
        self.counting = Counting(self.call)
        self.spool = Spool(self.folder / "spool")

    @property
    def ledger(self):
        """What a new process would open."""
        return SpooledLedger(CalledLedger(self.counting), self.spool, self.clock, self.rule, self.said.append)

    def roll_out(self, rollout="r1", **scripted):
        return Scripted(self.ledger, self.clock, **scripted).run(rollout)

    def free(self):
        """Let the time of the lease pass."""
        with self.owner() as db:
            db.execute("update public.deployment_leases set expires_at = '2020-01-01'")

    def assert_all_there(self, rollout="r1", events=EVENTS):
        """The ledger has every event of it once, in a chain that holds, and nothing waits any more."""
        self.wire.whole()
        self.clock.sleep(PAUSE + 1)
        self.ledger.drain()
        journal = self.direct.events(rollout)
        assert [one.seq for one in journal] == list(range(events))
        assert (journal[0].kind, journal[-1].kind) == ("rollout.started", "rollout.finished")
        links = list(self.direct.links(0))
        assert len({(link.rollout, link.seq, link.fence) for link in links}) == len(links)
        assert list(chain.damages(self.direct.chain(), links)) == []
        assert self.spool.rollouts() == []


def direct(databases, name):
    call = PostgresCall(databases.server.dsn(name, "deployer"), 5)
    return CalledLedger(call), call


@pytest.fixture(params=["postgres", "supabase"])
def machine(request, databases, database, tmp_path):
    ledger, call = direct(databases, database)
    owner = lambda: databases.owner(database)  # noqa: E731 - what lends a connection
    if request.param == "postgres":
        wire = Wire(databases.server.port)
        dsn = databases.server.dsn(database, "deployer").replace(str(databases.server.port), str(wire.port))
        made = Bench(tmp_path, PostgresCall(dsn, 0.3), wire, ledger, owner)
    else:
        project = request.getfixturevalue("project")
        wire = Wire(int(project.url.rpartition(":")[2]))
        made = Bench(
            tmp_path, SupabaseCall(f"http://127.0.0.1:{wire.port}", project.keys.secret, 0.3), wire, ledger, owner
        )
    yield made
    wire.close()
    call.close()
    if request.param == "postgres":
        made.call.close()


@pytest.mark.parametrize(
    ("fault", "healthy"),
    [("cut", True), ("cut", False), ("lose_answers", True), ("lose_answers", False), ("silence", False)],
)
def test_a_ledger_that_goes_away_neither_stops_nor_starts_a_rollback(machine, fault, healthy):
    """Cut off, silent, or deaf from the middle of a rollout: it ends as it would have, and is recorded afterwards."""
    machine.counting.plan[5] = getattr(machine.wire, fault)
    state = machine.roll_out(healthy=healthy)
    assert state.outcome is (Outcome.DEPLOYED if healthy else Outcome.ROLLED_BACK)
    assert len(machine.direct.events("r1")) in {4, 5}
    assert any("is kept in" in text for text in machine.said)
    machine.assert_all_there(events=len(machine.spool.entries("r1")))
    assert machine.direct.deployments()[0].status == state.outcome


def test_a_cut_before_any_event_loses_and_doubles_none(machine):
    """At each place in turn, with the ledger back two events later: the same journal every time."""
    for place in range(1, EVENTS + 1, 2):
        machine.counting.count = 0
        machine.counting.plan = {place: random.Random(place).choice([machine.wire.cut, machine.wire.lose_answers])}
        restored = Scripted(machine.ledger, machine.clock)
        shift = restored.platform.shift
        restored.platform.shift = lambda weights, shift=shift: (
            shift(weights),
            machine.wire.whole(),
            machine.clock.sleep(PAUSE),
        )
        assert restored.run(f"r{place}").outcome is Outcome.DEPLOYED
        machine.assert_all_there(f"r{place}")
        machine.free()  # where giving the lease back was what failed


def test_without_a_ledger_nothing_is_begun(machine):
    """The lease is the exception; and where it is optional, the rollout goes on, and is recorded in its place later."""
    machine.roll_out("r0")
    machine.wire.cut()
    with pytest.raises(LeaseUnavailableError):
        machine.roll_out("r1")
    assert machine.spool.rollouts() == []
    machine.rule = LeaseRule.OPTIONAL
    assert machine.roll_out("r2").outcome is Outcome.DEPLOYED
    assert any("nothing keeps a second rollout away" in text for text in machine.said)
    machine.wire.whole()
    machine.clock.sleep(PAUSE + 1)
    assert machine.roll_out("r3").outcome is Outcome.DEPLOYED
    machine.assert_all_there("r2")
    assert [one.id for one in machine.direct.deployments()] == ["r3", "r2", "r0"]


def test_what_was_cut_off_here_is_undone_without_the_ledger(machine):
    """The process died with the ledger away: the next one finds the journal in the spool, and the lease it had."""
    machine.counting.plan[3] = machine.wire.cut
    first = Scripted(machine.ledger, machine.clock)
    first.platform.shift = die
    with pytest.raises(Died):
        first.run("r1")
    second = Scripted(machine.ledger, machine.clock, platform=first.platform)
    del second.platform.shift
    assert second.recover().outcome is Outcome.ROLLED_BACK
    assert any("goes on under the lease it had" in text for text in machine.said)
    machine.assert_all_there(events=len(machine.spool.entries("r1")))
    assert second.platform.weights == {"blue": 100}


class Died(BaseException):
    """The process is gone."""


def die(_):
    raise Died


def test_a_lease_that_somebody_else_has_is_no_outage(machine):
    """Held, it is refused; lost, nothing is written, neither there nor as if the ledger were away."""
    other = machine.direct.acquire(*PLACE, "bob", 60)
    with pytest.raises(LeaseHeldError):
        machine.roll_out()
    machine.direct.release(other)
    ledger = machine.ledger
    mine = ledger.acquire(*PLACE, "ada", 0)
    machine.direct.acquire(*PLACE, "bob", 60)
    with pytest.raises(LeaseLostError):
        Scripted(ledger, machine.clock).engine(mine, "r1").journal.write("x", {}, must=True)


@pytest.fixture
def own(tmp_path):
    """A server of this test's own, that it may kill."""
    server = Server()
    server.create()
    server.start()
    databases = Databases(server)
    databases.prepare()
    name = databases.new()
    call = PostgresCall(server.dsn(name, "deployer"), 5)
    direct = CalledLedger(call)
    yield server, Bench(tmp_path, call, None, direct, None)
    call.close()
    databases.close()
    server.stop()


def test_a_database_that_is_killed_in_the_middle_of_a_rollout(own):
    """All of its processes at once, and started again before the end: nothing is lost, nothing doubled, the chain holds."""
    server, machine = own
    machine.counting.plan = {7: server.kill, 9: lambda: None}
    scripted = Scripted(machine.ledger, machine.clock)
    retire = scripted.platform.retire
    scripted.platform.retire = lambda revision: (retire(revision), server.start(), machine.clock.sleep(PAUSE + 1))
    assert scripted.run("r1").outcome is Outcome.DEPLOYED
    assert any("did not answer" in text for text in machine.said)
    assert machine.spool.rollouts() == []
    assert [one.seq for one in machine.direct.events("r1")] == list(range(EVENTS))
    assert list(chain.damages(machine.direct.chain(), machine.direct.links(0))) == []
    assert machine.direct.standing(*PLACE).release.version == "b"


def test_a_connection_that_ended_while_it_stood_idle_is_made_again(databases, database):
    """A pooler or a firewall ends what is not used: the next call does not fail for it."""
    ledger, call = direct(databases, database)
    lease = ledger.acquire(*PLACE, "ada", 60)
    for act in (
        lambda: ledger.renew(lease, 60),
        lambda: ledger.holder(*PLACE),
        lambda: ledger.acquire("shop", "x", "a", 1),
    ):
        with databases.owner(database) as db:
            db.execute("select pg_terminate_backend(pid, 2000) from pg_stat_activity where usename = 'deployer'")
        act()
    call.close()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, b"<html>", LedgerUnavailableError),
        (503, b'{"message": "no connection", "code": "PGRST000"}', LedgerUnavailableError),
        (429, b"[]", LedgerUnavailableError),
        (401, b'{"message": "JWT expired", "code": "PGRST303"}', LedgerRefusedError),
        (404, b'{"message": "Could not find the function", "code": "PGRST202"}', LedgerRefusedError),
        (302, b"", LedgerRefusedError),
        (200, b"<html>Welcome to our network</html>", LedgerUnavailableError),
        (200, b'{"welcome": "to our network"}', None),
    ],
)
def test_whatever_rest_answers_the_rollout_goes_on(databases, database, project, tmp_path, status, body, error):
    """Out of order, refusing, or some page that is no JSON: the same outcome, and everything recorded afterwards."""
    ledger, call = direct(databases, database)
    rest = SupabaseCall(project.url, project.keys.secret, 5)
    machine = Bench(tmp_path, rest, None, ledger, None)
    machine.counting.plan[3] = lambda: setattr(project, "fault", (status, body))
    try:
        scripted = Scripted(machine.ledger, machine.clock)
        state = scripted.run("r1")
        with pytest.raises(error) if error else nullcontext():
            rest("lockgate_chain", {})
    finally:
        project.fault = None
    assert state.outcome is Outcome.DEPLOYED
    machine.clock.sleep(PAUSE + 1)
    assert machine.ledger.drain() == (EVENTS, EVENTS - 2)
    assert [one.seq for one in ledger.events("r1")] == list(range(EVENTS))
    assert machine.spool.rollouts() == []
    call.close()


def test_what_the_ledger_refuses_holds_nothing_else_up(machine):
    """A file that it never takes, before one that it does: the second is sent, and what is rolled out then is recorded."""
    good = lives.history(random.Random(4), 1)[0]
    bad = [replace(one, event=replace(one.event, rollout="a-bad", at="no time")) for one in good]
    for one in (*bad, *good):
        machine.spool.add(one)
    ledger = machine.ledger
    for _ in range(2):
        with pytest.raises(LedgerRefusedError):
            ledger.drain()
        assert machine.spool.rollouts() == ["a-bad"]
    assert len(machine.direct.events(good[0].event.rollout)) == len(good)
    refusals = [text for text in machine.said if "refuses what" in text]
    assert len(refusals) == 1
    assert refusals[0].endswith("of a-bad")
    assert machine.roll_out("r1").outcome is Outcome.DEPLOYED
    assert not any("is kept in" in text for text in machine.said)
    assert len(machine.direct.events("r1")) == EVENTS


def test_when_the_spool_is_full_too_the_rollout_goes_back(machine):
    """What can be written nowhere is not begun; with either of the two, it goes on."""
    full = Spool(machine.folder / "full")
    object.__setattr__(machine, "spool", Full(full.folder))
    assert machine.roll_out("r1").outcome is Outcome.DEPLOYED
    machine.counting.plan[machine.counting.count + 4] = machine.wire.cut
    assert machine.roll_out("r2").outcome is Outcome.ABORTED
    assert [one.seq for one in machine.direct.events("r2")] == [0, 1, 2]


class Full(Spool):
    def add(self, entry):
        raise DiskFullError("The disk is full.")


def test_what_can_be_read_while_the_ledger_is_away(machine):
    """Where the lease is optional, what was last heard; where it is required, nothing is guessed. Lists are never made up."""
    machine.rule = LeaseRule.OPTIONAL
    machine.roll_out("r1")
    known = machine.ledger.standing(*PLACE)
    assert known.release.version == "b"
    digest = known.release.artifact.digest
    assert list(machine.ledger.verified(*PLACE)) == [known]
    assert not machine.ledger.rolled_back(*PLACE, digest)
    machine.wire.cut()
    away = machine.ledger
    assert away.standing(*PLACE) == known
    assert not away.rolled_back(*PLACE, digest)
    assert any("is not known" in text for text in machine.said)
    machine.rule = LeaseRule.REQUIRED
    strict = machine.ledger
    for ask in (
        lambda: strict.standing(*PLACE),
        lambda: strict.rolled_back(*PLACE, digest),
        lambda: strict.unfinished(*PLACE),
        lambda: strict.events("r1"),
        lambda: strict.holder(*PLACE),
        lambda: away.verified(*PLACE),
        away.deployments,
        away.chain,
    ):
        with pytest.raises(LedgerUnavailableError):
            ask()
