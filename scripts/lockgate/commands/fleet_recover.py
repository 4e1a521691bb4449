"""Bring the targets of a fleet whose process died to one version: released where that was decided, else rolled back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockgate.adapters.journal import Journal
from lockgate.commands.fleet_run import STOPPED
from lockgate.commands.fleets import Fleets, Leases
from lockgate.commands.journals import read_journal
from lockgate.commands.revive import is_whole, make_whole
from lockgate.commands.rollouts import COMMITTED
from lockgate.core import fleet_plan
from lockgate.core.fleet import Ending, Fleet, Stage
from lockgate.core.ledger import LedgerEvent
from lockgate.core.reasons import Reason
from lockgate.core.result import Result, Seconds
from lockgate.core.rollout_model import Plan, State
from lockgate.errors import StateError, UnfinishedRolloutError

if TYPE_CHECKING:
    from lockgate.engine import Engine

_MOST = 1000
"""Rollouts looked through, the newest first, for those without an ending."""
Open = Mapping[str, Sequence[LedgerEvent]]


@dataclass
class FleetRecovery:
    """Finds what was cut off in one environment, and ends it."""

    fleets: Fleets
    patient: bool = False
    """Whether to wait for the leases of what was cut off a moment ago."""

    def run(self, command: str, only: Iterable[str] = ()) -> list[Result]:
        """Recover every fleet that has one of these targets (default: all), and every target by itself."""
        names = self._unfinished(only)
        if not names:
            return []
        fleets, began = self.fleets, self.fleets.project.clock.monotonic()
        with fleets.leases(names, patient=self.patient) as leases:
            # Looked at again under the leases: whoever held them may have finished.
            still = [name for name in self._unfinished(only) if name in leases]
            alone = self._members(command, leases, [name for name in still if not self._is_record(name)], began)
            closed: dict[str, Result] = {}
            with self._told_all_the_same(fleets.environment.name, alone):
                for name in filter(self._is_record, still):
                    if identifier := fleets.ledger.unfinished(fleets.service, name):
                        closed[identifier] = self._close(command, leases, identifier)
        # What a fleet's own record tells is not told again for each of its targets.
        others = [result for result in alone if result.data["rollout"].partition(".")[0] not in closed]
        seconds = Seconds(fleets.project.clock.monotonic() - began)
        return [*(replace(result, seconds=seconds) for result in closed.values()), *others]

    @contextmanager
    def _told_all_the_same(self, name: str, done: Sized) -> Iterator[None]:
        """Where something was done already, let a ledger that went away meanwhile be a warning: the outcome counts."""
        try:
            yield
        except StateError as error:
            if not done:
                raise
            self.fleets.project.console.warn(f"{name}: what else is left here is not known: {error.what}")

    def _unfinished(self, only: Iterable[str]) -> list[str]:
        """Give the names, as recorded, of the fleets and of the targets to recover."""
        fleets, environment = self.fleets, self.fleets.environment
        found = fleets.ledger.deployments(service=fleets.service, limit=_MOST)
        wanted = {fleets.name_of(name) for name in only or environment.targets}
        opened = {each.environment: each.id for each in found if each.status == "in_progress"}
        names: dict[str, None] = {}
        for name, identifier in opened.items():
            if name in wanted:
                names[name] = None
            elif self._is_record(name):
                members = [fleets.name_of(each) for wave in self._waves(identifier) for each in wave]
                if wanted.intersection(members):
                    names |= dict.fromkeys([name, *(each for each in members if each in opened)])
        self._refuse_removed(names)
        looked_at = [name for name in environment.targets if fleets.name_of(name) in wanted.difference(names)]
        with ThreadPoolExecutor(environment.concurrency, thread_name_prefix="look") as pool:
            whole = pool.map(lambda name: is_whole(fleets.rollouts(name)), looked_at)
            left = [fleets.name_of(name) for name, well in zip(looked_at, whole, strict=True) if not well]
        return [*names, *left]

    def _members(self, command: str, leases: Leases, names: Sequence[str], began: float) -> list[Result]:
        fleets = self.fleets
        targets = {name: fleets.rollouts(name.rpartition("/")[2]) for name in names}
        taken = {name: found for name in names if (found := targets[name].take_up(leases[name]))}
        # All traffic first: the proof that each restored release is healthy takes longer, and may queue.
        with ThreadPoolExecutor(fleets.environment.concurrency, thread_name_prefix="recover") as pool:
            begun = dict(zip(taken, pool.map(lambda one: one[1].step(one[0]), taken.values()), strict=True))
            ended = dict(zip(taken, pool.map(lambda name: taken[name][1].run(begun[name]), taken), strict=True))
            revived: dict[str, list[tuple[State, Engine]]] = {}

            def see_to(name: str) -> None:
                with self._told_all_the_same(name, taken):
                    revived[name] = make_whole(targets[name], leases[name])

            list(pool.map(see_to, names))
        seconds = fleets.project.clock.monotonic() - began
        last = {name: (state, taken[name][1]) for name, state in ended.items()}
        last |= {name: done[-1] for name, done in revived.items() if done}
        return [targets[name].result(command, state, engine, seconds) for name, (state, engine) in last.items()]

    def _close(self, command: str, leases: Leases, identifier: str) -> Result:
        """Record how the fleet ended, from how its members did."""
        fleets = self.fleets
        events = read_journal(fleets.ledger, identifier)
        release = Plan.from_dict(events[0].data["plan"]).release
        fleet = self._fleet(identifier, events)
        journal = Journal(
            fleets.ledger, leases[events[0].environment], fleets.project.clock, identifier, hide=fleets.project.hide
        )
        journal.seq = events[-1].seq + 1
        ended = fleets.record_end(journal, fleet, release)
        return fleets.result(command, fleet, ended, release, identifier)

    def _fleet(self, identifier: str, events: Sequence[LedgerEvent]) -> Fleet:
        waves = self._waves(identifier)
        endings = {}
        for name in (name for wave in waves for name in wave):
            for event in self.fleets.ledger.events(f"{identifier}.{name}"):
                if event.kind == "rollout.finished":
                    endings[name] = Ending.from_dict(event.data)
        committed = any(event.kind == COMMITTED for event in events)
        said = next((Ending.from_dict(event.data) for event in events if event.kind == STOPPED), None)
        died = Ending(None, Reason.INTERRUPTED, "the process that shipped this fleet died")
        stages = {name: Stage.ENDED if name in endings else Stage.WAITING for wave in waves for name in wave}
        return Fleet(waves, stages, endings, None if committed else said or died, committed)

    def _waves(self, identifier: str) -> fleet_plan.Waves:
        data = read_journal(self.fleets.ledger, identifier)[0].data
        if "fleet" not in data:
            name = self.fleets.environment.name
            raise UnfinishedRolloutError(
                f"The rollout {identifier} in {name} was cut off when {name} had a single target.",
                fix=f"Give {name} its former target again, run `lockgate recover {name}`, then list its targets.",
            )
        return tuple(tuple(wave) for wave in data["fleet"]["waves"])

    def _is_record(self, name: str) -> bool:
        return fleet_plan.is_record_of(self.fleets.environment, name)

    def _refuse_removed(self, names: Iterable[str]) -> None:
        known = {self.fleets.name_of(name) for name in self.fleets.environment.targets}
        if gone := [name for name in names if not self._is_record(name) and name not in known]:
            raise UnfinishedRolloutError(
                f"A rollout in {', '.join(gone)} was cut off, and lockgate.yml lists no such target any more.",
                fix="Put it back, run `lockgate recover`, then remove it.",
            )
