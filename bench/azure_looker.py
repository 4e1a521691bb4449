"""What a rollout on the local Azure is judged by, and told through, when it is driven step by step."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lockgate.core.ledger import Lease, Ledger, LedgerEvent
from lockgate.core.reasons import Reason
from lockgate.core.rollout_model import State, Watch
from lockgate.core.samples import GateReport, Verdict
from lockgate.core.target import Observation
from lockgate.errors import TargetError
from tests.standins.azure.wire import QuietFront, VirtualClock

LOOK_SECONDS = 5.0


@dataclass
class Looker:
    """Judges by one look at who answers; a release that is told to be bad in one watch fails there."""

    front: QuietFront
    clock: VirtualClock
    bad_in: Watch | None = None
    passed: set[Watch] = field(default_factory=set)
    """The watches that were passed: RESTORED by the old release, the others by the new one."""

    def __call__(self, state: State, watch: Watch, observation: Observation) -> GateReport:
        """Watch for a while and say."""
        found = observation.find(state.effect.revision if state.effect else "")
        if found is None:
            raise TargetError("The revision to judge is gone.")
        self.clock.sleep(LOOK_SECONDS)
        answers = self.front.at(found.url if watch is Watch.PRE_PROMOTION else observation.url)
        it = answers is not None and (watch is Watch.STEP or not found.named or answers.version == found.version)
        good = it and watch is not self.bad_in
        if good:
            self.passed.add(watch)
        verdict, reason = (Verdict.SUCCESSFUL, Reason.OK) if good else (Verdict.FAILED, Reason.GATE_ERROR_STATUS)
        message = "" if good else f"{found.version} is bad in {watch}"
        return GateReport(verdict, reason, message, LOOK_SECONDS, 2.0, (), {}, None)


@dataclass(frozen=True, slots=True)
class Told:
    """What a journal writes to, with somebody told of it."""

    ledger: Ledger
    tell: Callable[[str, LedgerEvent], None]

    def append(self, event: LedgerEvent, lease: Lease) -> None:
        """Write."""
        self.tell("before", event)
        self.ledger.append(event, lease)
        self.tell("after", event)
