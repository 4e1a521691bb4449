"""Tell others about a rollout, off its path: what is told is queued, sent by a thread, and never waited for in between.

A report that fails is said once, with the permission that is missing, and changes nothing about the rollout.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lockgate.adapters import tracing
from lockgate.adapters.console import Console
from lockgate.core.rollout_model import Effect, Event, EventKind, Phase, State, Watch
from lockgate.core.rollout_needs import Listener
from lockgate.core.samples import GateReport
from lockgate.errors import LockgateError

LAST_SECONDS = 20.0
"""How long the end of a command waits for what is still to be told; the rollout is over by then."""


class Audience(Protocol):
    """Somebody who is told. Called on the reporting thread; may raise LockgateError."""

    def begun(self, state: State) -> None:
        """Hear that a rollout began, or was taken up again."""

    def judged(self, state: State, watch: Watch, report: GateReport) -> None:
        """Hear what a gate saw."""

    def ended(self, state: State) -> None:
        """Hear how it ended."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Several listeners as one."""

    each: Sequence[Listener]

    def wanted(self, state: State, effect: Effect) -> None:
        """Pass on."""
        for one in self.each:
            one.wanted(state, effect)

    def happened(self, state: State, event: Event) -> None:
        """Pass on."""
        for one in self.each:
            one.happened(state, event)

    def trouble(self, text: str) -> None:
        """Pass on."""
        for one in self.each:
            one.trouble(text)


@dataclass(slots=True)
class Reporter:
    """An engine's listener that passes on what matters to audiences."""

    console: Console
    audiences: list[Audience]
    reports: list[tuple[Watch, GateReport]]
    """What the gates said so far; the engine appends to it."""
    _queue: "queue.SimpleQueue[tuple[str, Callable[[], None]] | None]" = field(default_factory=queue.SimpleQueue)
    _idle: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _told: int = 0
    _pending: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _failed: set[str] = field(default_factory=set)

    def wanted(self, state: State, effect: Effect) -> None:
        """Tell of the beginning, at the first effect."""
        del effect
        self._begin(state)

    def happened(self, state: State, event: Event) -> None:
        """Tell what gates saw, and how it ended."""
        self._begin(state)
        if event.kind is EventKind.JUDGED:
            while self._told < len(self.reports):
                watch, report = self.reports[self._told]
                self._told += 1
                self._tell(lambda one, w=watch, r=report, s=state: one.judged(s, w, r))  # type: ignore[misc]
        if state.phase is Phase.DONE:
            self._tell(lambda one: one.ended(state))

    def trouble(self, text: str) -> None:
        """Nothing to pass on: it is for whoever reads the log."""

    def flush(self, seconds: float = LAST_SECONDS) -> None:
        """Wait until everything is told, or the time is up; what is left out is said."""
        if self._thread and not self._idle.wait(seconds):
            left = f"{self._pending} reports were not sent within {seconds:g} s"
            self.console.warn(f"{left}; the rollout is not affected")

    def _begin(self, state: State) -> None:
        if self._thread is None and self.audiences:
            self._thread = tracing.thread(self._work, name="reporting")
            self._thread.start()
            self._tell(lambda one: one.begun(state))

    def _tell(self, say: Callable[[Audience], None]) -> None:
        for one in self.audiences:
            with self._lock:
                self._pending += 1
                self._idle.clear()
            self._queue.put((type(one).__name__, lambda one=one: say(one)))  # type: ignore[misc]

    def _work(self) -> None:
        while item := self._queue.get():
            name, act = item
            try:
                act()
            except LockgateError as error:
                if name not in self._failed:
                    self._failed.add(name)
                    self.console.warn(f"not everybody could be told: {error}")
            finally:
                with self._lock:
                    self._pending -= 1
                    if not self._pending:
                        self._idle.set()
