"""A rollout run by the real engine in this process, on a platform that obeys at once, while something goes wrong."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf

from lockgate.adapters import lease_keeper
from lockgate.adapters.journal import Journal
from lockgate.adapters.signals import StopSignal
from lockgate.core.ledger import Ledger
from lockgate.core.reasons import Reason
from lockgate.core.rollout_model import Event, EventKind, Plan, Watch
from lockgate.core.samples import GateReport, Verdict
from lockgate.core.target import Observation, Revision
from lockgate.engine import Engine
from tests.integration.ledger.lives import release, stands


class MovingClock:
    """Wall time, and a monotonic time that a test can move on."""

    def __init__(self):
        self.moved = 0.0

    def now(self):
        return datetime.now(UTC) + timedelta(seconds=self.moved)

    def monotonic(self):
        return self.now().timestamp()

    def sleep(self, seconds):
        self.moved += seconds


class Obedient:
    """A platform whose old revision is blue and whose new one is green."""

    def __init__(self):
        self.weights = {"blue": 100}

    def observe(self):
        known = {"blue": release("a"), "green": release("b")}
        return Observation("http://shop", tuple(
            Revision(name, known[name].artifact.digest, known[name].version, "", "http://x", weight)
            for name, weight in self.weights.items()
        ))  # fmt: skip

    def deploy_preview(self, new):
        self.weights["green"] = 0
        return self.observe().find("green")

    def shift(self, weights):
        self.weights |= weights

    def retire(self, revision):
        self.weights.pop(revision, None)


class Nobody:
    """Listens to nothing."""

    def wanted(self, *_):
        pass

    happened = trouble = wanted


@dataclass
class Scripted:
    """One rollout to come."""

    ledger: Ledger
    clock: MovingClock = field(default_factory=MovingClock)
    healthy: bool = True
    platform: Obedient = field(default_factory=Obedient)

    def run(self, rollout):
        """Hold the lease and roll out; give the state at the end."""
        with lease_keeper.kept(self.ledger, "shop", "production", "ada") as lease:
            plan = Plan(rollout, "production", release("b"), stands("a"), (50, 100), actor="ada", approval="")
            return self.engine(lease, rollout).start(plan)

    def recover(self):
        """Do what `lockgate recover` does with what was cut off."""
        with lease_keeper.kept(self.ledger, "shop", "production", "bob") as lease:
            rollout = self.ledger.unfinished("shop", "production")
            events = list(self.ledger.events(rollout))
            engine = self.engine(lease, rollout)
            stopped = Event(EventKind.STOPPED, reason=Reason.INTERRUPTED, message="died")
            return engine.run(engine.take_up(Plan.from_dict(events[0].data["plan"]), events, stopped))

    def engine(self, lease, rollout):
        return Engine(
            self.platform, Journal(self.ledger, lease, self.clock, rollout), self.judge, integrate=None, hook=None,
            stop=StopSignal(), clock=self.clock, listener=Nobody(), platform="scripted", deadline=inf,
        )  # fmt: skip

    def judge(self, state, watch, observation):
        """Judge the new release as the test says, and the old one as healthy."""
        good = self.healthy or watch in {Watch.RESTORED, Watch.PRE_PROMOTION}
        verdict, reason = (Verdict.SUCCESSFUL, Reason.OK) if good else (Verdict.FAILED, Reason.GATE_ERROR_STATUS)
        return GateReport(verdict, reason, "", 1.0, 2.0, (), {}, None)
