"""An environment with several targets, ready to be shipped as one: leases, plans, the fleet's own record."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lockgate.adapters import lease_keeper
from lockgate.adapters.journal import Journal
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands.fleet_members import Member
from lockgate.commands.fleet_run import FleetRun
from lockgate.commands.ledgers import open_ledger
from lockgate.commands.project import Project
from lockgate.commands.reporting import LAST_SECONDS
from lockgate.commands.rollouts import Rollouts
from lockgate.commands.waiting import patience
from lockgate.core import dossier as dossiers
from lockgate.core import fleet as machine
from lockgate.core import fleet_plan, fleet_summary, rollout_summary
from lockgate.core.config import EnvironmentConfig
from lockgate.core.fleet import Ending, Fleet
from lockgate.core.fleet_plan import Waves
from lockgate.core.ledger import Lease, Ledger
from lockgate.core.reasons import Decision, Outcome
from lockgate.core.release import Release
from lockgate.core.result import BudgetLine, Result, Seconds
from lockgate.core.rollout_model import Plan
from lockgate.errors import UnfinishedRolloutError

Leases = Mapping[str, Lease]
_SHORT = ("change", "found")
"""What each target's own journal has of what is carried; the rest is in the fleet's."""


@dataclass
class Fleets:
    """Everything that acts on all targets of one environment."""

    project: Project
    environment: EnvironmentConfig
    secrets: Mapping[str, str] = field(default_factory=dict)
    stop: StopSignal = field(default_factory=StopSignal)
    dossier: Mapping[str, Any] | None = None
    """What is known of the release; the fleet's own record has it, the members' do not."""
    carried: Mapping[str, Any] = field(default_factory=dict)
    """What else the journal keeps of the release: its scan, and when its change was written."""
    coming: str = ""
    """The id of the fleet's own rollout, where it was announced."""

    @property
    def service(self) -> str:
        """The service's name."""
        return self.project.config.service

    @cached_property
    def ledger(self) -> Ledger:
        """The record of what was done."""
        return open_ledger(self.project)

    def name_of(self, member: str) -> str:
        """Give a target's name in every record."""
        return f"{self.environment.name}/{member}"

    def rollouts(self, member: str) -> Rollouts:
        """Give what acts on one target, in a thread of its own."""
        environment = fleet_plan.member(self.environment, member)
        carried = {name: told for name, told in self.carried.items() if name in _SHORT}
        return Rollouts(self.project, environment, self.secrets, ThreadStop(self.stop), carried=carried)

    @contextmanager
    def leases(self, names: Iterable[str], *, patient: bool = False) -> Iterator[Leases]:
        """Hold all of these while the block runs, and listen to signals; raise LeaseHeldError with none held.

        `patient` waits for those of a dead process, which expire together.
        """
        holder, waits = self.project.holder, patience(self.project, self.stop) if patient else None
        say = self.project.console.warn
        with ExitStack() as stack:
            stack.enter_context(self.stop.listening())
            yield {
                name: stack.enter_context(lease_keeper.kept(self.ledger, self.service, name, holder, waits, say=say))
                for name in dict.fromkeys(names)
            }

    def deploy(
        self,
        command: str,
        release: Release,
        waves: Waves,
        *,
        steps: tuple[int, ...],
        approval: str,
        check: Callable[[], str],
    ) -> Result:
        """Ship a release to all targets of these waves, or to none of them. `check` is as in `ship_fleet`."""
        began, limit = self.project.clock.monotonic(), self.project.config.budgets.deploy
        record = fleet_plan.record_name(self.environment, waves)
        targets = {name: self.rollouts(name) for wave in waves for name in wave}
        with self.leases([record, *map(self.name_of, targets)]) as leases:
            self._refuse_unfinished(targets)
            # An approval may take days, and what was recovered a moment ago may hold this back.
            override = check()
            identifier = self.coming or self.project.new_id()
            journal = Journal(
                self.ledger, leases[record], self.project.clock, identifier, self.carried, self.project.hide
            )
            members = {
                # Every target is looked at before the first is changed.
                name: self._member(
                    rollouts,
                    leases,
                    rollouts.plan(release, steps=steps, approval=approval, override=override),
                    identifier,
                )
                for name, rollouts in targets.items()
            }
            self._record_start(journal, next(iter(members.values())).plan, waves, steps)
            run = FleetRun(self.project, members, journal, self.stop, self.environment.concurrency)
            fleet = run.run(machine.begin(waves))
            self._tell(targets.values())
            if run.errors:
                raise run.errors[0]
            line = BudgetLine("deploy", limit, round(run.longest_wave, 3), "s", run.longest_wave <= limit)
            ended = self.record_end(journal, fleet, release, [line])
            result = self.result(command, fleet, ended, release, identifier)
            seconds = self.project.clock.monotonic() - began
            return self._with_evidence(result, members, ended, line, seconds)

    def _tell(self, targets: Iterable[Rollouts]) -> None:
        """Let everybody know of every target, all together within the time that a single rollout has for it."""
        clock = self.project.clock
        until = clock.monotonic() + LAST_SECONDS
        with ThreadPoolExecutor(self.environment.concurrency, thread_name_prefix="tell") as pool:
            list(pool.map(lambda one: one.tell(max(0.0, until - clock.monotonic())), targets))

    def record_end(
        self, journal: Journal, fleet: Fleet, release: Release, budgets: Sequence[BudgetLine] = ()
    ) -> Ending:
        """Write how a fleet ended, and show it."""
        ended = machine.verdict(fleet)
        told = replace(ended, message=fleet_summary.headline(fleet, ended, release))
        data = {**told.to_dict(), "standing": None, "budgets": [line.to_dict() for line in budgets]}
        journal.write("rollout.finished", data, must=False)
        console, rows = self.project.console, fleet_summary.rows(fleet)
        console.table(f"{self.environment.name}: {release.version}", fleet_summary.HEADER, rows)
        tell = console.good if ended.outcome is Outcome.DEPLOYED else console.bad
        tell(f"{self.environment.name}: {ended.outcome}: {told.message}")
        return ended

    def result(self, command: str, fleet: Fleet, ended: Ending, release: Release, identifier: str) -> Result:
        """Give the result of a fleet that ended."""
        return Result(
            command,
            Decision(ended.outcome or Outcome.BROKEN),
            ended.reason,
            fleet_summary.headline(fleet, ended, release),
            service=self.service,
            environment=self.environment.name,
            version=release.version,
            commit=release.commit,
            image=str(release.artifact),
            url=self.environment.url,
            data=fleet_summary.data(fleet, ended, identifier),
            summary=fleet_summary.summary(fleet, ended, release, self.environment.name),
        )

    def _with_evidence(
        self, result: Result, members: Mapping[str, Member], ended: Ending, line: BudgetLine, seconds: float
    ) -> Result:
        # Members overlap, so what is told is the slowest one's.
        tools = max(member.engine.started_tools for member in members.values())
        watching = max(member.engine.watching for member in members.values())
        told: dict[str, Any] = dict(result.data)
        for name, member in members.items():
            if member.state:
                told["members"][name] |= rollout_summary.data(member.state, member.engine.reports)
        failed = members[ended.member] if ended.member else None
        shown = ""
        if failed and failed.state:
            shown = rollout_summary.summary(failed.state, failed.engine.reports, failed.state.message)
        return replace(
            result,
            seconds=Seconds(seconds, tools, watching),
            budgets=(line,),
            data=told,
            summary="\n\n".join(filter(None, [result.summary, shown])),
        )

    def _member(self, rollouts: Rollouts, leases: Leases, plan: Plan, identifier: str) -> Member:
        name = rollouts.environment.name
        held = replace(plan, rollout=f"{identifier}.{name.rpartition('/')[2]}", hold=True, fleet=identifier)
        assert isinstance(rollouts.stop, ThreadStop)  # noqa: S101 - an invariant, for the type checker
        return Member(held, rollouts.engine(leases[name], held.rollout), rollouts.stop)

    def _record_start(self, journal: Journal, member: Plan, waves: Waves, steps: tuple[int, ...]) -> None:
        """Write the fleet's own record: what its members' plans say, for all of them."""
        name = self.environment.name
        plan = replace(member, rollout=journal.rollout, environment=name, baseline=None, steps=steps)
        platform = next(iter(self.environment.targets.values())).kind.value
        fleet = {"waves": [list(wave) for wave in waves]}
        data = {"plan": plan.to_dict(), "platform": platform, "run_url": self.project.runner.run_url, "fleet": fleet}
        before = dossiers.budgets(self.dossier)
        journal.write("rollout.started", {**data, "dossier": self.dossier, "budgets": before}, must=True)

    def _refuse_unfinished(self, targets: Iterable[str]) -> None:
        for name in targets:
            if self.ledger.unfinished(self.service, self.name_of(name)):
                raise UnfinishedRolloutError(
                    f"A rollout in {self.name_of(name)} was cut off and is not undone.",
                    fix=f"Run `lockgate recover {self.environment.name}`, then deploy again.",
                )
