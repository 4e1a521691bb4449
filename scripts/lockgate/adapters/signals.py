"""Ask a rollout to stop, instead of dying in the middle of it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from types import FrameType

from lockgate.adapters.clock import Clock
from lockgate.core.reasons import Reason

_SLICE_SECONDS = 0.2
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class StopSignal:
    """Counts the signals that came. GitHub sends SIGINT, 7.5 s later SIGTERM, 2.5 s later it kills."""

    requested: int = 0
    name: str = ""
    reason: Reason = Reason.INTERRUPTED
    _interruptible: bool = False

    def asked(self) -> bool:
        """Whether a signal came."""
        return self.requested > 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals of this process while the block runs; only the main thread may."""
        before = {number: signal.signal(number, self._handle) for number in _HANDLED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt in this block: it waits for something, and can clean up after itself."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def clock(self, clock: Clock) -> Clock:
        """Give the clock for what waits in an interruptible block: here the signal itself ends the wait."""
        return clock

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.requested += 1
        self.name = signal.Signals(number).name
        if self._interruptible:
            self._interruptible = False
            raise KeyboardInterrupt


class ThreadStop:
    """Asks one of several rollouts to stop, each in a thread: at a signal of the process, or when it is told to.

    No signal can raise in a thread, so what waits in an interruptible block waits by `clock`, whose `sleep` raises.
    """

    def __init__(self, signals: StopSignal) -> None:
        self._signals = signals
        self._told: tuple[str, Reason] | None = None
        self._interruptible = False

    @property
    def requested(self) -> int:
        """How many signals came; being told counts as one."""
        return max(self._signals.requested, 1 if self._told else 0)

    @property
    def name(self) -> str:
        """What stops it, for the message."""
        return self._told[0] if self._told else self._signals.name

    @property
    def reason(self) -> Reason:
        """Why."""
        return self._told[1] if self._told else self._signals.reason

    def tell(self, name: str, reason: Reason) -> None:
        """Ask this one to stop; the first to say so counts."""
        self._told = self._told or (name, reason)

    def asked(self) -> bool:
        """Whether it is to stop."""
        return self.requested > 0

    def listening(self) -> AbstractContextManager[None]:
        """Do nothing: the process's signals are listened to once, in the main thread."""
        return nullcontext()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let `clock` raise KeyboardInterrupt in this block."""
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def clock(self, clock: Clock) -> Clock:
        """Give a clock whose `sleep` ends a wait in an interruptible block."""
        return _StoppableClock(clock, self._interrupted)

    def _interrupted(self) -> bool:
        return self._interruptible and self.asked()


@dataclass(frozen=True, slots=True)
class _StoppableClock:
    inner: Clock
    interrupted: Callable[[], bool]

    def now(self) -> datetime:
        return self.inner.now()

    def monotonic(self) -> float:
        return self.inner.monotonic()

    def sleep(self, seconds: float) -> None:
        until = self.inner.monotonic() + seconds
        while True:
            if self.interrupted():
                raise KeyboardInterrupt
            if (left := until - self.inner.monotonic()) <= 0:
                return
            self.inner.sleep(min(left, _SLICE_SECONDS))
