"""One environment, ready for a rollout: its target, its ledger, its gate, and the person who may stop it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lockgate.adapters import lease_keeper, tracing
from lockgate.adapters.journal import Journal
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands import evidence_picture
from lockgate.commands.audiences import audiences
from lockgate.commands.environment_commands import EnvironmentCommands
from lockgate.commands.journals import read_journal
from lockgate.commands.judging import FULL, Judging
from lockgate.commands.ledgers import open_ledger, open_notes
from lockgate.commands.narrate import Narrator, headline
from lockgate.commands.platforms import open_target
from lockgate.commands.project import Project
from lockgate.commands.reporting import LAST_SECONDS, Listeners, Reporter
from lockgate.commands.telemetry import Telemetry, recorded
from lockgate.commands.waiting import patience
from lockgate.core import rollout_summary
from lockgate.core.config import EnvironmentConfig
from lockgate.core.ledger import Lease, Ledger
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Release
from lockgate.core.result import Result, Seconds
from lockgate.core.rollout_model import Event, EventKind, Kind, Moment, Plan, Standing, State, Watch
from lockgate.core.target import Revision, Target
from lockgate.engine import Engine
from lockgate.errors import DriftError, UnfinishedRolloutError, UsageError

if TYPE_CHECKING:
    from lockgate.core.samples import GateReport

COMMITTED = "fleet.committed"
"""The journal's word for: every target is healthy, the new release stays."""


def announce(project: Project, environment: EnvironmentConfig) -> str:
    """Give the rollout that is to come its id: what is asked before it begins is traced by it, too."""
    coming = project.new_id()
    tracing.enter(coming, sampled=recorded(project, environment))
    return coming


@dataclass
class Rollouts:
    """Everything that acts on one environment."""

    project: Project
    environment: EnvironmentConfig
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What a new revision gets to see; only a command that starts one needs it."""
    stop: StopSignal | ThreadStop = field(default_factory=StopSignal)
    reporters: list[Reporter | Telemetry] = field(default_factory=list)
    """What tells others, one for each rollout."""
    dossier: Mapping[str, Any] | None = None
    """What is known of the release that is to come."""
    carried: Mapping[str, Any] = field(default_factory=dict)
    """What else the journal keeps of the release: its scan, and when its change was written."""
    coming: str = ""
    """The id of the rollout that is to come, where `announce` gave it one."""

    @property
    def service(self) -> str:
        """The service's name."""
        return self.project.config.service

    @cached_property
    def ledger(self) -> Ledger:
        """The record of what was done."""
        return open_ledger(self.project)

    @cached_property
    def target(self) -> Target:
        """The platform; raise UsageError where the environment has several targets, and nobody said which."""
        if self.environment.targets:
            example = f"{self.environment.name}/{next(iter(self.environment.targets))}"
            raise UsageError(f"{self.environment.name} has several targets.", fix=f"Name one, such as {example}.")
        return open_target(self.project, self.environment, self.secrets, self.stop)

    @cached_property
    def judging(self) -> Judging:
        """What gathers the evidence of every watch."""
        return Judging(self.project, self.environment, self.stop, open_notes(self.project))

    @contextmanager
    def lease(self, *, patient: bool = False) -> Iterator[Lease]:
        """Hold the environment's lease while the block runs, and listen to signals; `patient` waits for a dead one."""
        place, waits = (self.service, self.environment.name), patience(self.project, self.stop) if patient else None
        with (
            self.stop.listening(),
            lease_keeper.kept(self.ledger, *place, self.project.holder, waits, say=self.project.console.warn) as lease,
        ):
            try:
                yield lease
            finally:
                self.judging.close()
                if self.judging.notes:
                    self.judging.notes.close()

    def engine(self, lease: Lease, rollout: str) -> Engine:
        """Make the interpreter of one rollout."""
        clock, budgets = self.project.clock, self.project.config.budgets
        began = clock.monotonic()
        commands = EnvironmentCommands(self.project, self.environment, self.stop)
        reports: list[tuple[Watch, GateReport]] = []
        reporter = Reporter(self.project.console, audiences(self.project, self.environment), reports)
        telemetry = Telemetry(self.project, self.environment)
        self.reporters += [reporter, telemetry]
        return Engine(
            target=self.target,
            journal=Journal(self.ledger, lease, clock, rollout, self.carried, self.project.hide),
            judge=self.judging,
            integrate=commands.integrate,
            hook=commands.hook,
            stop=self.stop,
            clock=clock,
            listener=Listeners([telemetry, Narrator(self.project.console, self.environment.name, reports), reporter]),
            platform=self.environment.target.kind.value,
            deadline=began + budgets.deploy,
            reports=reports,
            dossier=self.dossier,
            measured=lambda: rollout_summary.budget_lines(reports, clock.monotonic() - began, budgets),
        )

    def recover(self, lease: Lease) -> tuple[State, Engine] | None:
        """Finish or undo the rollout that was cut off, if there is one."""
        found = self.take_up(lease)
        return (found[1].run(found[0]), found[1]) if found else None

    def take_up(self, lease: Lease) -> tuple[State, Engine] | None:
        """Read where the rollout was cut off and turn it to its end, with nothing done yet.

        One that holds for its fleet goes the way the fleet went: it is released where that was committed, else undone.
        """
        rollout = self.ledger.unfinished(self.service, self.environment.name)
        if rollout is None:
            return None
        events = read_journal(self.ledger, rollout)
        if "fleet" in events[0].data:
            name = self.environment.name
            fix = f"List the targets of {name} again, run `lockgate recover {name}`, then change it."
            raise UnfinishedRolloutError(f"{name} was cut off when it had several targets.", fix=fix)
        plan = Plan.from_dict(events[0].data["plan"])
        committed = plan.fleet and any(one.kind == COMMITTED for one in self.ledger.events(plan.fleet))
        kind = EventKind.RELEASED if committed else EventKind.STOPPED
        event = Event(kind, reason=Reason.INTERRUPTED, message="the process that ran this rollout died")
        self.project.console.warn(f"{self.environment.name}: rollout {rollout} was cut off; recovering")
        engine = self.engine(lease, rollout)
        engine.measured = tuple  # most of it was seen by a process that died
        return engine.take_up(plan, events, event), engine

    def plan(self, release: Release, *, steps: tuple[int, ...], approval: str, override: str = "") -> Plan:
        """Compare what runs with what the ledger says, and plan. Raise DriftError."""
        rollout = self._begin()
        standing = self.ledger.standing(self.service, self.environment.name)
        baseline = self._baseline(self.target.observe().active, standing)
        migration = self.environment.migration
        return Plan(
            rollout=rollout,
            environment=self.environment.name,
            release=release,
            baseline=baseline,
            steps=steps if baseline else (FULL,),
            integrate=bool(self.environment.integration.command),
            hooks=frozenset(moment for moment in Moment if getattr(migration, moment)),
            reversible=migration.backward_compatible,
            actor=self.project.runner.actor,
            approval=approval,
            override=override,
        )

    def plan_for(self, revision: Revision, release: Release, kind: Kind) -> Plan:
        """Plan what has nothing to return to: to adopt a revision, or to replace one that has died."""
        rollout = self._begin() if kind is Kind.ADOPT else self.project.new_id()
        actor = self.project.runner.actor
        name = self.environment.name
        return Plan(rollout, name, release, None, (FULL,), actor=actor, kind=kind, about=revision.id)

    def tell(self, seconds: float = LAST_SECONDS) -> None:
        """Wait until everybody is told who is told, for so long at most; what is left out is said."""
        until = self.project.clock.monotonic() + seconds
        for reporter in self.reporters:
            reporter.flush(max(0.0, until - self.project.clock.monotonic()))

    def result(self, command: str, state: State, engine: Engine, seconds: float) -> Result:
        """Give the result of a rollout that ended, when everybody who is told was told or the time for it is up."""
        self.tell()
        release = state.plan.release
        outcome = Decision(state.outcome or Decision.ERROR)
        evidence_picture.keep(self.project, f"{command}-{self.environment.name}", engine.reports)
        result = Result(
            command,
            outcome,
            state.reason,
            headline(state),
            service=self.service,
            environment=self.environment.name,
            version=release.version,
            commit=release.commit,
            image=str(release.artifact),
            url=self.environment.url or self.target.observe().url,
            seconds=Seconds(seconds, engine.started_tools, engine.watching),
            budgets=rollout_summary.budget_lines(engine.reports, seconds, self.project.config.budgets),
            data=rollout_summary.data(state, engine.reports),
            summary=rollout_summary.summary(state, engine.reports, headline(state)),
        )
        tracing.done()
        return result

    def _begin(self) -> str:
        """Take the id that was announced, or a new one; whatever was recovered meanwhile had a trace of its own."""
        rollout, self.coming = self.coming, ""
        if not rollout:
            return self.project.new_id()
        tracing.enter(rollout, sampled=recorded(self.project, self.environment))
        return rollout

    def _baseline(self, active: Revision | None, standing: Standing | None) -> Standing | None:
        say = self.project.console.warn
        if active is None:
            return None
        if standing is None or active.digest != standing.release.artifact.digest:
            known = f"{standing.release.version} ({standing.release.artifact.short})" if standing else "nothing"
            raise DriftError(
                f"{self.environment.name} serves {active.version} ({active.digest}), and the ledger knows of {known}.",
                why="Somebody deployed past Lockgate, or this is another ledger than the one that deployed it.",
                fix=f"If it may stay, `lockgate adopt {self.environment.name}` judges it and records it, and it can be "
                "returned to. If not, use the state directory that deployed it, or stop it. Nothing was changed.",
            )
        if not active.alive:
            say(f"{self.environment.name}: {active.version} is not running; there is nothing to go back to")
            return None
        if not standing.verified:
            say(f"{self.environment.name}: {active.version} was never verified; there is nothing to go back to")
            return None
        return Standing(active.id, standing.release, verified=True)
