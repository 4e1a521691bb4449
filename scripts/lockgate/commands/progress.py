"""Say how a watch goes while it lasts."""

from dataclasses import dataclass

from lockgate.adapters.clock import Clock
from lockgate.adapters.console import Console
from lockgate.adapters.watch_notes import WatchNotes
from lockgate.core.board.watching import SECONDS, WatchNote
from lockgate.core.evidence import amount, worst
from lockgate.core.gate import Gate

_TERMINAL_SECONDS = 0.25
_LOG_SECONDS = 5.0


@dataclass(slots=True)
class WatchProgress:
    """One line that follows a watch on a terminal, and a line now and then in a job's log."""

    console: Console
    name: str
    _said: float = 0.0

    def __call__(self, gate: Gate, t: float) -> None:
        """Hear that `t` seconds have gone."""
        if t - self._said < (_TERMINAL_SECONDS if self.console.terminal else _LOG_SECONDS):
            return
        self._said = t
        tell = self.console.passing if self.console.terminal else self.console.step
        tell(f"{self.name}: {progress(gate, t)}")


@dataclass(slots=True)
class WatchNoter:
    """Notes for the board what a watch has seen so far."""

    notes: WatchNotes
    clock: Clock
    place: tuple[str, str, str]
    """Rollout, service and environment."""
    watch: str
    _said: float = -SECONDS

    def __call__(self, gate: Gate, t: float) -> None:
        """Hear that `t` seconds have gone."""
        if t - self._said >= SECONDS:
            self._said = t
            at = self.clock.now().isoformat(timespec="milliseconds")
            self.notes.offer(WatchNote.of(self.place, self.watch, at, gate.so_far(t)))


def progress(gate: Gate, t: float) -> str:
    """Say what is known of the indicator that looks worst, and how long the watch may last."""
    report = gate.so_far(t)
    one = worst(report)
    most = "at most " if gate.spec.early_pass else ""
    return (
        f"{one.name} {one.total - one.bad} of {one.total} good, evidence {amount(one.log10_evidence)} of "
        f"{amount(report.log10_limit)}, {most}{max(0.0, gate.spec.duration - t):.0f} s left"
    )
