"""The trace of each request: a span for it, one for each question to the ledger; sent where that is configured.

By the W3C's recommendation: who asks in a trace of their own finds the board in it, and whoever asked for nothing to be
recorded is not recorded. No span has who asked, or what was searched.
"""

import asyncio
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from lockgate.core.trace import Span

_PARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(-.*)?")
MOST = 2_000
"""Spans that may wait; of more the oldest are not sent."""
SECONDS = 2.0
"""Between two batches."""
_CURRENT: ContextVar["Request | None"] = ContextVar("board_request", default=None)


@dataclass(frozen=True, slots=True)
class Request:
    """One request in its trace."""

    trace: str
    span: str
    parent: str
    sampled: bool


def begun(traceparent: str, *, record: bool) -> Request:
    """Go on in the trace that a request came with, or begin one; whatever is asked in this task is asked for it."""
    found = _PARENT.fullmatch(traceparent)
    good = found and not traceparent.startswith("ff") and int(found["trace"], 16) and int(found["span"], 16)
    if found and good:
        wanted = bool(int(found["flags"], 16) & 1)
        made = Request(found["trace"], secrets.token_hex(8), found["span"], sampled=record and wanted)
    else:
        made = Request(secrets.token_hex(16), secrets.token_hex(8), "", sampled=record)
    _CURRENT.set(made)
    return made


@dataclass(slots=True)
class Traces:
    """Keeps spans until they are sent. A collector that is away costs no request anything."""

    send: Callable[[Sequence[Span]], bool] | None = None
    """Blocking. None: nothing is recorded."""
    sent: int = 0
    lost: int = 0
    _waiting: deque[Span] = field(default_factory=deque)

    @property
    def records(self) -> bool:
        """Whether spans are sent to anybody."""
        return self.send is not None

    def add(self, span: Span) -> None:
        """Keep a span until the next batch."""
        if len(self._waiting) >= MOST:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(span)

    @contextmanager
    def question(self, name: str) -> Iterator[None]:
        """Make a span of what is asked of the ledger for the request that this task belongs to."""
        request = _CURRENT.get()
        if request is None or not request.sampled:
            yield
            return
        start, passed = time.time_ns(), False
        try:
            yield
            passed = True
        finally:
            about = {"lockgate.question": name}
            span = (f"ledger {name}", request.trace, secrets.token_hex(8), request.span, start, time.time_ns(), passed)
            self.add(Span(*span, message="" if passed else "no answer", attributes=about))

    async def run(self) -> None:
        """Send batches until cancelled, and at the end what is left."""
        try:
            while True:
                await asyncio.sleep(SECONDS)
                await self._flush()
        finally:
            with suppress(asyncio.TimeoutError):
                async with asyncio.timeout(SECONDS):
                    await self._flush()

    async def _flush(self) -> None:
        spans, self._waiting = list(self._waiting), deque()
        if not spans or self.send is None:
            return
        try:
            taken = await asyncio.to_thread(self.send, spans)
        except (ImportError, OSError, ValueError):
            taken = False
        if taken:
            self.sent += len(spans)
        else:
            self.lost += len(spans)
