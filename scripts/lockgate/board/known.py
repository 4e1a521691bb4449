"""Every question to the ledger: asked once for all who ask it now, and remembered for when the ledger is away.

What is cached, for how long and how it is dropped stands in docs/board.md.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from lockgate.board.traces import Traces
from lockgate.errors import LedgerSlowError, LedgerUnavailableError, LockgateError

if TYPE_CHECKING:
    from lockgate.board.answers import Answers

T = TypeVar("T")
THREADS = 8
ENTRIES = 256
"""Answers that are remembered; the longest without use goes first. A journal with its scan may have half a megabyte."""
PAUSE = 1.0
"""Seconds in which what did not answer is not asked again: nobody waits for it twice."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What the ledger said, or what it last said."""

    value: T
    age: float
    """Seconds since it was said."""
    problem: LockgateError | None = None
    """Why there is nothing newer."""


@dataclass(slots=True)
class _Entry:
    value: Any
    at: float
    edition: int


@dataclass(slots=True)
class _Failure:
    error: LockgateError
    until: float


class Known:
    """Asks in threads; gives the last answer, with its age, where there is no new one."""

    def __init__(self, monotonic: Callable[[], float], seconds: float, pause: float = PAUSE) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._pause = pause
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._asking: dict[Hashable, asyncio.Future[Any]] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ledger")
        self._failed: dict[Hashable, _Failure] = {}
        self._away: _Failure | None = None
        """What is wrong with the ledger itself, whatever it is asked."""
        self._edition = 0
        self._tries: set[asyncio.Future[Any]] = set()
        self.traces = Traces()
        self.answers: Answers | None = None
        """What other replicas were told."""
        self.hits = self.misses = 0

    @property
    def problem(self) -> LockgateError | None:
        """Why the ledger is not asked now, if it is not."""
        return self._away.error if self._away and self._monotonic() < self._away.until else None

    def drop(self) -> None:
        """Something was added to the ledger: what is known may be out of date, but is better than nothing."""
        self._edition += 1

    async def ask(self, key: Hashable, question: Callable[[], T], seconds: float | None = None) -> Answer[T]:
        """Give the answer to a question; raise its error where there is none and never was one.

        `key` names the question with everything that its answer depends on: the viewer, too. With `seconds` its answer
        is good for so long, whatever happens meanwhile; without, until something is added to the ledger.
        """
        entry = self._entries.get(key)
        now = self._monotonic()
        fresh = entry is not None and (seconds is not None or entry.edition == self._edition)
        if entry and fresh and now - entry.at < (self._seconds if seconds is None else seconds):
            self.hits += 1
            self._entries.move_to_end(key)
            return Answer(cast("T", entry.value), now - entry.at)
        if entry and self._away:
            # Nobody who can be shown something waits to see whether it is back; the next one will know.
            if self.problem is None and key not in self._asking:
                self._background(key, question, seconds)
            return Answer(cast("T", entry.value), now - entry.at, self._away.error)
        failed = self._failed.get(key)
        try:
            if problem := self.problem or (failed.error if failed and now < failed.until else None):
                raise problem
            value = await self._once(key, question, seconds)
        except LockgateError as error:
            if entry is None:
                raise
            return Answer(cast("T", entry.value), self._monotonic() - entry.at, error)
        return Answer(value, 0.0)

    async def run(self, question: Callable[[], T]) -> T:
        """Ask past everything that is known; raise what the question raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, question)

    def close(self) -> None:
        """End the threads; whoever still waits hears so."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _background(self, key: Hashable, question: Callable[[], T], seconds: float | None) -> None:
        task = asyncio.ensure_future(self._once(key, question, seconds))
        self._tries.add(task)
        task.add_done_callback(self._tried)

    def _tried(self, done: "asyncio.Future[Any]") -> None:
        self._tries.discard(done)
        if not done.cancelled():
            done.exception()  # looked at, so that nobody is told of it a second time

    async def _once(self, key: Hashable, question: Callable[[], T], seconds: float | None) -> T:
        if (asking := self._asking.get(key)) is not None:
            return cast("T", await asyncio.shield(asking))
        edition = self._edition
        task = asyncio.ensure_future(self._anywhere(key, question, self._seconds if seconds is None else seconds))
        self._asking[key] = task
        task.add_done_callback(lambda done: self._heard(key, edition, done))
        return await asyncio.shield(task)

    async def _anywhere(self, key: Hashable, question: Callable[[], T], seconds: float) -> T:
        """Give what another replica was told a moment ago; else ask, and let them know."""
        about = str(key[0]) if isinstance(key, tuple) else "question"
        if self.answers is None or not (name := self.answers.name(key)):
            self.misses += 1
            with self.traces.question(about):
                return await self.run(question)
        if found := await self.answers.find(name):
            return cast("T", found[0])
        self.misses += 1
        with self.traces.question(about):
            value = await self.run(question)
        await self.answers.keep(name, value, seconds)
        return value

    def _heard(self, key: Hashable, edition: int, done: "asyncio.Future[Any]") -> None:
        self._asking.pop(key, None)
        if done.cancelled():
            return
        if (error := done.exception()) is None:
            self._failed.pop(key, None)
            self._away = None if self._away and self._away.until <= self._monotonic() else self._away
            self._entries[key] = _Entry(done.result(), self._monotonic(), edition)
            self._entries.move_to_end(key)
            while len(self._entries) > ENTRIES:
                self._entries.popitem(last=False)
        elif isinstance(error, LockgateError):
            failure = _Failure(error, self._monotonic() + self._pause)
            if isinstance(error, LedgerUnavailableError) and not isinstance(error, LedgerSlowError):
                # Whoever asks too much of it, or what it refuses, must not make it look away to everybody else.
                self._away = failure
            else:
                if len(self._failed) >= ENTRIES:
                    self._failed.pop(next(iter(self._failed)))
                self._failed[key] = failure
