"""What the interpreter of a rollout needs of others: who judges, who may stop it, who watches."""

from contextlib import AbstractContextManager
from typing import Protocol

from lockgate.core.reasons import Reason
from lockgate.core.rollout_model import Effect, Event, State, Watch
from lockgate.core.samples import GateReport
from lockgate.core.target import Observation


class Judge(Protocol):
    """Gathers evidence about one revision and reports; raises StoppedError when asked to stop."""

    def __call__(self, state: State, watch: Watch, observation: Observation) -> GateReport:
        """Watch the revision that `state` is about."""


class Stop(Protocol):
    """Whether somebody wants the rollout to end."""

    @property
    def requested(self) -> int:
        """How many times a signal came."""

    @property
    def name(self) -> str:
        """The signal, or what else it was, for the message."""

    @property
    def reason(self) -> Reason:
        """Why."""

    def interruptible(self) -> AbstractContextManager[None]:
        """Let a signal raise KeyboardInterrupt in the block."""


class Listener(Protocol):
    """Somebody who watches: the console."""

    def wanted(self, state: State, effect: Effect) -> None:
        """Hear of an effect about to be done."""

    def happened(self, state: State, event: Event) -> None:
        """Hear of what happened, and of the state after it."""

    def trouble(self, text: str) -> None:
        """Hear of something that stops nothing."""
