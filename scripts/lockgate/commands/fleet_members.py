"""One target of a fleet: its rollout, run in a thread."""

from dataclasses import dataclass

from lockgate.adapters.signals import ThreadStop
from lockgate.core.fleet import Ending
from lockgate.core.reasons import Outcome
from lockgate.core.rollout_model import Event, EventKind, Phase, Plan, State
from lockgate.engine import Engine
from lockgate.errors import StateError


@dataclass(slots=True)
class Member:
    """Each call runs to its end in the thread that makes it; only `stop` may be used by another at that time."""

    plan: Plan
    engine: Engine
    stop: ThreadStop
    state: State | None = None
    """None before it was started."""

    def ship(self, run_url: str) -> Ending | None:
        """Roll out until it holds (None) or ended."""
        try:
            self.state = self.engine.start(self.plan, run_url)
        except StateError as error:
            # Not even its beginning could be recorded, so nothing was begun.
            return Ending(Outcome.ABORTED, error.reason, error.what)
        return self._ending(self.state)

    def tell(self, event: Event) -> None:
        """Record what was decided about a rollout that holds, and do the first thing that follows."""
        if self.state is not None:
            self.state = self.engine.step(self.engine.happened(self.state, event))

    def release(self) -> Ending | None:
        """Let it finish: every other target is healthy, too."""
        self.tell(Event(EventKind.RELEASED))
        return self.finish()

    def finish(self) -> Ending | None:
        """Run on to the end."""
        if self.state is None:
            return None
        self.state = self.engine.run(self.state)
        return self._ending(self.state)

    def _ending(self, state: State) -> Ending | None:
        return Ending(state.outcome, state.reason, state.message) if state.phase is Phase.DONE else None
