"""Say how a watch goes while it lasts."""

from dataclasses import dataclass

from lockgate.adapters.console import Console
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


def progress(gate: Gate, t: float) -> str:
    """Say what is known of the indicator that looks worst, and how long the watch may last."""
    report = gate.so_far(t)
    one = worst(report)
    most = "at most " if gate.spec.early_pass else ""
    return (
        f"{one.name} {one.total - one.bad} of {one.total} good, evidence {amount(one.log10_evidence)} of "
        f"{amount(report.log10_limit)}, {most}{max(0.0, gate.spec.duration - t):.0f} s left"
    )
