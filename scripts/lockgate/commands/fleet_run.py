"""Carry out what a fleet wants: its members' rollouts in threads, as many at a time as allowed; one thread decides."""

from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field

from lockgate.adapters.journal import Journal
from lockgate.commands.fleet_members import Member
from lockgate.commands.project import Project
from lockgate.commands.rollouts import COMMITTED
from lockgate.core import fleet as machine
from lockgate.core.fleet import Ending, Fleet, Stage, Wish
from lockgate.core.reasons import Reason
from lockgate.core.rollout_model import Event, EventKind
from lockgate.core.rollout_needs import Stop
from lockgate.errors import LeaseLostError, LockgateError, StateError

STOPPED = "fleet.stopped"
_LOOK_SECONDS = 0.2
_URGENT = 8
"""Threads that return traffic. That writes a few files for each target, so there may be more of them."""


@dataclass(slots=True)
class FleetRun:
    """Runs one fleet to its end. The main thread decides; a signal is seen there, and by every member itself."""

    project: Project
    members: Mapping[str, Member]
    journal: Journal
    stop: Stop
    concurrency: int
    errors: list[BaseException] = field(default_factory=list)
    """What ended members whose rollouts must be recovered."""
    longest_wave: float = 0.0
    """Seconds until the slowest wave held: what the deploy budget is about."""
    _running: dict[Future[Ending | None], str] = field(default_factory=dict)
    _wave_began: float = 0.0
    _told: bool = False

    def run(self, fleet: Fleet) -> Fleet:
        """Do what is wanted until nothing is."""
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="target") as pool:
            while (wanted := machine.wish(fleet))[0] is not Wish.NOTHING:
                fleet = self._look(self._act(fleet, *wanted, pool))
        return fleet

    def _act(self, fleet: Fleet, wish: Wish, names: tuple[str, ...], pool: ThreadPoolExecutor) -> Fleet:
        match wish:
            case Wish.SHIP:
                return self._ship(fleet, names, pool)
            case Wish.COMMIT:
                return self._commit(fleet)
            case Wish.RELEASE:
                for name in names:
                    self._running[pool.submit(self.members[name].release)] = name
                return machine.started(fleet, *names)
            case Wish.UNDO:
                return self._undo(machine.started(fleet, *names), names, pool)
            case _:
                return fleet

    def _ship(self, fleet: Fleet, names: tuple[str, ...], pool: ThreadPoolExecutor) -> Fleet:
        number = next(n for n, wave in enumerate(fleet.waves, 1) if names[0] in wave)
        self.project.console.step(f"wave {number} of {len(fleet.waves)}: {', '.join(names)}")
        self._wave_began = self.project.clock.monotonic()
        for name in names:
            # The budget is the wave's: whoever waits in the queue spends it, too.
            self.members[name].engine.deadline = self._wave_began + self.project.config.budgets.deploy
            self._running[pool.submit(self.members[name].ship, self.project.runner.run_url)] = name
        return machine.started(fleet, *names)

    def _commit(self, fleet: Fleet) -> Fleet:
        """Record the decision; before it, that every member holds, or a crash would find some that seem not to."""
        try:
            for member in self.members.values():
                member.engine.journal.flush()
            self.journal.write(COMMITTED, {}, must=True)
        except (StateError, LeaseLostError) as error:
            return machine.stopped(fleet, Ending(None, error.reason, error.what))
        self.project.console.good(f"all {len(self.members)} targets are healthy: the new release stays")
        return machine.commit(fleet)

    def _undo(self, fleet: Fleet, names: tuple[str, ...], pool: ThreadPoolExecutor) -> Fleet:
        """Return all traffic first: the proof that each restored release is healthy takes longer, and may queue."""
        name, reason = self._why(fleet)
        event = Event(EventKind.STOPPED, reason=reason, message=f"stopped by {name}")
        with ThreadPoolExecutor(max(_URGENT, self.concurrency), thread_name_prefix="back") as urgent:
            told = {each: urgent.submit(self.members[each].tell, event) for each in names}
        for each, done in told.items():
            if error := done.exception():
                fleet = self._lost(fleet, each, error)
            else:
                self._running[pool.submit(self.members[each].finish)] = each
        return fleet

    def _look(self, fleet: Fleet) -> Fleet:
        """See who came to an end, and whether a signal came."""
        done, _ = wait(self._running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            name = self._running.pop(future)
            if error := future.exception():
                fleet = self._lost(fleet, name, error)
            elif ending := future.result():
                fleet = machine.ended(fleet, name, ending)
            else:
                fleet = machine.held(fleet, name)
                self.longest_wave = max(self.longest_wave, self.project.clock.monotonic() - self._wave_began)
        if self.stop.requested:
            fleet = machine.stopped(fleet, Ending(None, self.stop.reason, f"stopped by {self.stop.name}"))
        return self._halt(fleet, fleet.cause) if fleet.cause and not self._told else fleet

    def _halt(self, fleet: Fleet, cause: Ending) -> Fleet:
        """Tell those that run, and take back those that only wait for a thread."""
        self._told = True
        name, reason = self._why(fleet)
        # It explains; what is to be undone is known without it.
        with suppress(LockgateError):
            self.journal.write(STOPPED, cause.to_dict(), must=False)
        self.project.console.warn(f"going back in every target: {name}")
        for future, member in list(self._running.items()):
            if future.cancel():
                del self._running[future]
                fleet = machine.not_started(fleet, member)
            elif fleet.stages[member] is Stage.RUNNING:
                self.members[member].stop.tell(name, reason)
        return fleet

    def _why(self, fleet: Fleet) -> tuple[str, Reason]:
        """Give who stops the members, and the reason that each of them has for it."""
        cause = fleet.cause or Ending(None, self.stop.reason, "")
        if cause.member:
            return f"the failure of {cause.member}", Reason.FLEET_FAILED
        return cause.message.removeprefix("stopped by "), cause.reason

    def _lost(self, fleet: Fleet, name: str, error: BaseException) -> Fleet:
        self.errors.append(error)
        reason = error.reason if isinstance(error, LockgateError) else Reason.INTERNAL
        return machine.ended(fleet, name, Ending(None, reason, str(error)))
