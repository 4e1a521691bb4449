"""What can go wrong with a call: chosen by a pattern over "METHOD /path", so many times, before or after its effect."""

import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum

from tests.standins.azure.messages import Answer, Request, error


class When(StrEnum):
    """Whether the call's effect has happened when the fault strikes."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class Fault:
    """One way to misbehave."""

    pattern: str
    """A regular expression, searched in "METHOD /path"."""
    answer: Answer | None = None
    """What is answered instead; None and not `lost` is the true answer."""
    when: When = When.BEFORE
    lost: bool = False
    """The connection is closed without an answer."""
    garbled: bool = False
    """Instead of an answer comes what is no TLS."""
    delay: float = 0.0
    times: int = 1
    skip: int = 0
    """So many matching calls go well first."""
    struck: int = 0

    def matches(self, request: Request) -> bool:
        """Whether this fault is about the call, and not used up."""
        return self.times > 0 and re.search(self.pattern, f"{request.method} {request.path}") is not None


@dataclass(slots=True)
class Faults:
    """The faults that are still to come. Each is told as a call of its own, and returned to be looked at later."""

    waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> Fault:
        """Let it happen."""
        with self._lock:
            self.waiting.append(fault)
        return fault

    def take(self, request: Request) -> Fault | None:
        """Give the fault that strikes this call, if any."""
        with self._lock:
            for fault in self.waiting:
                if not fault.matches(request):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                fault.struck += 1
                return fault
        return None

    def throttle(self, pattern: str, *, times: int = 1, retry_after: float | None = None) -> Fault:
        """Answer 429 so many times, before anything happens."""
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        text = "Number of requests exceeded the limit. Please try again later."
        return self.add(Fault(pattern, Answer(429, error(429, "TooManyRequests", text).body, headers), times=times))

    def status(
        self, pattern: str, status: int, *, when: When = When.BEFORE, times: int = 1, retry_after: float | None = None
    ) -> Fault:
        """Answer like a gateway that gave up, before or after the effect."""
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        body = error(status, "InternalServerError", "The server encountered an error.").body
        return self.add(Fault(pattern, Answer(status, body, headers), when=when, times=times))

    def lose(self, pattern: str, *, when: When = When.AFTER, times: int = 1) -> Fault:
        """Close the connection without an answer, before or after the effect."""
        return self.add(Fault(pattern, when=when, lost=True, times=times))

    def slow(self, pattern: str, seconds: float, *, times: int = 1) -> Fault:
        """Answer truly, and late."""
        return self.add(Fault(pattern, delay=seconds, times=times))

    def refuse(self, pattern: str, answer: Answer, *, times: int = 1, skip: int = 0) -> Fault:
        """Answer this instead of doing it: a conflict, a denied role, a failed start."""
        return self.add(Fault(pattern, answer, times=times, skip=skip))
