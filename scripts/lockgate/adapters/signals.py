"""Ask a rollout to stop, instead of dying in the middle of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class StopSignal:
    """Counts the signals that came. GitHub sends SIGINT, 7.5 s later SIGTERM, 2.5 s later it kills."""

    requested: int = 0
    name: str = ""
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

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.requested += 1
        self.name = signal.Signals(number).name
        if self._interruptible:
            self._interruptible = False
            raise KeyboardInterrupt
