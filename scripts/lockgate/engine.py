"""The interpreter of a rollout: journal what is wanted, have it done, journal what happened, ask the core again.

It never decides. The order of effects, what counts as a pass and how to undo are the state machine's; what the world
looks like is the adapters'. The journal is written before and after every effect, so a process that dies at any instant
leaves enough to finish or undo from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lockgate.adapters.clock import Clock
from lockgate.adapters.journal import Journal
from lockgate.adapters.watch import StoppedError
from lockgate.core import dossier
from lockgate.core.config_target import TargetKind
from lockgate.core.ledger import LedgerEvent
from lockgate.core.reasons import Reason
from lockgate.core.result import BudgetLine
from lockgate.core.rollout import advance, begin
from lockgate.core.rollout_model import Effect, EffectKind, Event, EventKind, Moment, Phase, Plan, State, Watch
from lockgate.core.rollout_needs import Judge, Listener, Stop
from lockgate.core.samples import GateReport, Verdict
from lockgate.core.target import Target
from lockgate.errors import InterruptedByUserError, LeaseLostError, LockgateError, StateError

_LIVE = {
    *(Phase.PREVIEWING, Phase.PRE_PROMOTION, Phase.INTEGRATING, Phase.MIGRATING),
    *(Phase.SHIFTING, Phase.STEP, Phase.BAKE, Phase.HOLDING, Phase.ADOPTING),
}
_DECISIVE = {(Phase.BAKE, EventKind.JUDGED), (Phase.ADOPTING, EventKind.JUDGED)}
"""After these nobody goes back, and the old revision may go: what `recover` could not read would be undone by it.
A release from holding is none of them: `recover` reads that from the fleet's commit, which was written first."""
_UNDOING = {Phase.ABORTING, Phase.ROLLING_BACK}


@dataclass(slots=True)
class Engine:
    """Runs one rollout to its end."""

    target: Target
    journal: Journal
    judge: Judge
    integrate: Callable[[str], Event]
    """Run the integration tests against a URL."""
    hook: Callable[[Moment, str], Event]
    """Run the environment's command for a moment, with the new revision's URL."""
    stop: Stop
    clock: Clock
    listener: Listener
    platform: str
    deadline: float
    """Monotonic: a rollout that is not done by then goes back."""
    reports: list[tuple[Watch, GateReport]] = field(default_factory=list)
    started_tools: float = 0.0
    """Seconds spent waiting for services and for integration tests."""
    watching: float = 0.0
    """Seconds spent gathering evidence and draining."""
    dossier: Mapping[str, Any] | None = None
    measured: Callable[[], Sequence[BudgetLine]] = tuple
    """The budgets that this rollout kept or broke; nothing where nobody measured all of it."""

    def start(self, plan: Plan, run_url: str = "") -> State:
        """Begin a rollout and run it to its end. Raise StateError where not even its beginning can be recorded."""
        about = {"run_url": run_url, "dossier": self.dossier, "budgets": dossier.budgets(self.dossier)}
        self.journal.write("rollout.started", {"plan": plan.to_dict(), "platform": self.platform, **about}, must=True)
        return self.run(begin(plan))

    def take_up(self, plan: Plan, events: list[LedgerEvent], event: Event) -> State:
        """Replay the journal of a rollout whose process died and tell it what was decided since; `run` does the rest.

        One that does not hold any more, or not yet, cannot be released: it is stopped, and goes on with what it did.
        """
        self.journal.seq = max(event.seq for event in events) + 1
        state = replay(plan, events)
        if event.kind is EventKind.RELEASED and state.phase is not Phase.HOLDING:
            event = replace(event, kind=EventKind.STOPPED)
        if state.phase is Phase.DONE:
            return state
        begun = any(entry.kind == f"intended.{EffectKind.SHIFT}" for entry in events)
        return self.happened(state, replace(event, untouched=self._untouched(state, begun=begun)))

    def run(self, state: State) -> State:
        """Do what the state wants until it wants nothing: it is done, or holds until something `happened`."""
        while state.effect is not None:
            state = self.step(state)
        return self._finish(state) if state.phase is Phase.DONE else state

    def step(self, state: State) -> State:
        """Do the one thing that is wanted now, if any."""
        effect = state.effect
        return self.happened(state, self._reason_to_stop(state) or self._do(state, effect)) if effect else state

    def _do(self, state: State, effect: Effect) -> Event:
        """Have one effect done, journaled before; give what happened."""
        try:
            # Nothing new is begun that could not be journaled; an undoing goes on without the ledger if it must.
            self.journal.write(f"intended.{effect.kind}", effect.to_dict(), must=state.phase in _LIVE)
        except LeaseLostError:
            raise
        except StateError as error:
            return Event(EventKind.STOPPED, reason=error.reason, message=error.what)
        self.listener.wanted(state, effect)
        began = self.clock.monotonic()
        try:
            return self._act(state, effect)
        except (StoppedError, KeyboardInterrupt):
            return self._stopped_by_signal(state)
        except InterruptedByUserError:
            raise
        except LockgateError as error:
            untouched = self._untouched(state, begun=True)
            return Event(EventKind.FAILED, reason=error.reason, message=str(error), untouched=untouched)
        finally:
            self._book(effect, self.clock.monotonic() - began)

    def _act(self, state: State, effect: Effect) -> Event:  # noqa: PLR0911 - one answer for each effect
        match effect.kind:
            case EffectKind.DEPLOY_PREVIEW:
                with self.stop.interruptible():
                    revision = self.target.deploy_preview(state.plan.release)
                return Event(EventKind.PREVIEWED, revision=revision.id, message=revision.url)
            case EffectKind.ANALYSE:
                return self._analyse(state, effect.watch or Watch.BAKE)
            case EffectKind.INTEGRATE:
                return self.integrate(self._url(effect.revision))
            case EffectKind.HOOK:
                return self.hook(effect.moment or Moment.BEFORE, self._url(effect.revision))
            case EffectKind.SHIFT:
                self.target.shift(effect.weights)
                return Event(EventKind.SHIFTED, message=", ".join(f"{w}% {r}" for r, w in effect.weights.items()))
            case EffectKind.RETIRE:
                self.target.retire(effect.revision)
                return Event(EventKind.RETIRED, revision=effect.revision)
            case EffectKind.DISCARD:
                return self._discard(state)

    def _url(self, revision_id: str) -> str:
        return found.url if (found := self.target.observe().find(revision_id)) else ""

    def _analyse(self, state: State, watch: Watch) -> Event:
        report = self.judge(state, watch, self.target.observe())
        self.reports.append((watch, report))
        self.journal.write(f"analysed.{watch}", report.to_dict(), must=False)
        passed = report.verdict is Verdict.SUCCESSFUL
        return Event(EventKind.JUDGED, passed=passed, reason=report.reason, message=report.message)

    def _discard(self, state: State) -> Event:
        baseline = state.plan.baseline.revision if state.plan.baseline else ""
        for revision in self.target.observe().revisions:
            ours = revision.id == state.preview or revision.digest == state.plan.release.artifact.digest
            if ours and revision.weight == 0 and revision.id != baseline:
                self.target.retire(revision.id)
        return Event(EventKind.RETIRED, revision=state.preview)

    def _reason_to_stop(self, state: State) -> Event | None:
        if state.phase not in _LIVE:
            return None
        untouched = self._untouched(state, begun=False)
        if self.stop.requested:
            return replace(self._stopped_by_signal(state), untouched=untouched)
        if self.clock.monotonic() > self.deadline:
            text = "the deploy took longer than its budget"
            return Event(EventKind.STOPPED, reason=Reason.DEPLOY_OVER_BUDGET, message=text, untouched=untouched)
        return None

    def _untouched(self, state: State, *, begun: bool) -> bool:
        """Whether the first shift of the traffic certainly did nothing: it was not begun, or it can be seen here.

        A platform far away may say no, or nothing, and do it all the same a moment later.
        """
        if state.phase is not Phase.SHIFTING or state.step:
            return False
        if not begun:
            return True
        try:
            seen = self.target.observe().find(state.preview)
        except LockgateError:
            return False
        return self.platform == TargetKind.LOCAL and (seen is None or not seen.weight)

    def _stopped_by_signal(self, state: State) -> Event:
        if state.phase not in _LIVE:
            # Traffic is where it belongs already; what is left is proof and tidying, which `recover` can do as well.
            raise InterruptedByUserError(
                "Interrupted while undoing the rollout.",
                why="A second signal came; the journal is complete.",
                fix="Run `lockgate recover` to finish.",
            )
        return Event(EventKind.STOPPED, reason=self.stop.reason, message=f"stopped by {self.stop.name}")

    def happened(self, state: State, event: Event) -> State:
        """Record what happened, or what was decided about a rollout that holds, and give the state after it."""
        after = advance(state, event)
        decisive = (state.phase, event.kind) in _DECISIVE and after.phase not in _UNDOING
        try:
            self.journal.write(f"happened.{event.kind}", event.to_dict(), must=decisive)
        except StateError as error:
            event = Event(EventKind.STOPPED, reason=error.reason, message=error.what)
            after = advance(state, event)
            self.journal.write(f"happened.{event.kind}", event.to_dict(), must=False)
        self.listener.happened(after, event)
        return after

    def _finish(self, state: State) -> State:
        data = {
            "outcome": state.outcome,
            "reason_code": state.reason.value,
            "message": state.message,
            "standing": standing.to_dict() if (standing := state.standing()) else None,
            "budgets": [line.to_dict() for line in self.measured()],
        }
        self.journal.write("rollout.finished", data, must=False)
        if self.journal.backlog:
            left = f"{len(self.journal.backlog)} events could not be written to the ledger; "
            self.listener.trouble(left + "run `lockgate recover` when it can be written again")
        return state

    def _book(self, effect: Effect, seconds: float) -> None:
        if effect.kind in {EffectKind.DEPLOY_PREVIEW, EffectKind.INTEGRATE, EffectKind.HOOK}:
            self.started_tools += seconds
        elif effect.kind in {EffectKind.ANALYSE, EffectKind.RETIRE, EffectKind.DISCARD}:
            self.watching += seconds


def replay(plan: Plan, events: list[LedgerEvent]) -> State:
    """Give the state a journal stands for."""
    state = begin(plan)
    for entry in events:
        if entry.kind.startswith("happened."):
            state = advance(state, Event.from_dict(entry.kind.removeprefix("happened."), entry.data))
    return state
