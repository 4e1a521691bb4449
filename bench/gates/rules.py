"""Rules that fail a release: Lockgate's, the documented ones of others, and the best there could be."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from bench.gates.streams import HEALTHY, Stream
from lockgate.core.gate import FEWEST_EVENTS
from lockgate.core.sequential import RateTest

ALPHA = 0.01
LIMIT = math.log(1 / ALPHA)
ONSETS = 8
"""Moments in a watch at which the mixtures that were not taken begin anew."""


class Rule(Protocol):
    """Anything that may fail a stream."""

    @property
    def name(self) -> str:
        """Give what it is called in the table."""

    def fails_at(self, stream: Stream) -> float | None:
        """Give the second in which it fails the stream, or None."""


class Evidence(Protocol):
    """A test that is fed samples; see `lockgate.core.sequential.RateTest`."""

    def add(self, *, good: bool, t: float, count: int = 1) -> None:
        """Count samples."""

    def log_evidence(self) -> float:
        """Give the evidence."""


def default_test(_seconds: float, span: float) -> Evidence:
    """Give Lockgate's test."""
    return RateTest(HEALTHY, span)


@dataclass(frozen=True, slots=True)
class Sequential:
    """A sequential test for one indicator, as the gate applies it."""

    name: str
    span: float = 0.0
    """The gate's minimum span, in seconds."""
    make: Callable[[float, float], Evidence] = default_test
    """Give a test from the length of the watch and the minimum span."""
    first_to_last: float = 0.0
    """What the minimum span was before: seconds that must lie between the first bad sample and the last."""

    def fails_at(self, stream: Stream) -> float | None:
        """Look after every bad sample: good ones add no evidence."""
        test = self.make(stream.seconds, self.span)
        position, events, resume, first = 0, 0, 0.0, math.inf
        for bad in stream.bads:
            _feed_good(test, stream, position, bad, resume)
            t = stream.time(bad)
            test.add(good=False, t=t)
            position = bad + 1
            if t < resume:
                continue
            events, resume, first = events + 1, t + self.span, min(first, t)
            if events >= FEWEST_EVENTS and t - first >= self.first_to_last and test.log_evidence() >= LIMIT:
                return t
        return None


def _feed_good(test: Evidence, stream: Stream, begin: int, end: int, resume: float) -> None:
    """Feed the good samples from `begin` to before `end`: those before samples count again, then the others."""
    index = begin
    for edge in (resume, math.inf):
        # Mixtures with onsets at fixed times need the samples of one lump to lie between two of them.
        while index < end and (t := stream.time(index)) < edge:
            until = min(edge, (int(ONSETS * t / stream.seconds) + 1) * stream.seconds / ONSETS)
            first, index = index, _first_at(stream, until, index + 1, end)
            test.add(good=True, t=t, count=index - first)


def _first_at(stream: Stream, t: float, begin: int, end: int) -> int:
    """Give the first sample at or after `t`, between `begin` and `end`."""
    index = max(begin, min(end, math.ceil(t * stream.rate) - 1))
    while index > begin and stream.time(index - 1) >= t:
        index -= 1
    while index < end and stream.time(index) < t:
        index += 1
    return index


@dataclass(frozen=True, slots=True)
class KnownRate:
    """The test that is told how bad the release is: none can be quicker by much more than the size of one step."""

    bad_rate: float
    name: str = "a test that knows the bad rate"

    def fails_at(self, stream: Stream) -> float | None:
        """Apply Wald's test without a limit for passing."""
        log_bad = math.log(self.bad_rate / HEALTHY)
        log_good = math.log1p(-self.bad_rate) - math.log1p(-HEALTHY) if self.bad_rate < 1 else -math.inf
        for count, bad in enumerate(stream.bads, start=1):
            good = bad + 1 - count
            if count * log_bad + (good * log_good if good else 0) >= LIMIT:
                return stream.time(bad)
        return None


@dataclass(frozen=True, slots=True)
class Threshold:
    """Measures the share of good samples of each interval; enough measurements below `least` fail the release."""

    name: str
    interval: float
    least: float
    failures: int
    passes: int | None = None
    """How many good measurements end the watch; None where it goes on."""
    ticks_late: int = 0
    """How many intervals after the last failed measurement it acts."""

    def fails_at(self, stream: Stream) -> float | None:
        """Measure at the end of each interval."""
        failed = passed = 0
        windows = int(stream.seconds / self.interval)
        for window, (bad, total) in enumerate(_windows(stream, self.interval, windows), start=1):
            if total - bad < self.least * total - 1e-9:
                failed += 1
                if failed == self.failures:
                    at = (window + self.ticks_late) * self.interval
                    return at if at <= stream.seconds else None
            else:
                passed += 1
                if passed == self.passes:
                    return None
        return None


def _windows(stream: Stream, interval: float, windows: int) -> Iterator[tuple[int, int]]:
    """Give (bad, all) of each interval."""
    bads, index = stream.bads, 0
    bad = next(bads, stream.samples)
    for window in range(1, windows + 1):
        end, count = int(window * interval * stream.rate + 1e-9), 0
        while bad < end:
            count += 1
            bad = next(bads, stream.samples)
        yield count, end - index
        index = end


ARGO_EXAMPLE = Threshold("Argo Rollouts, example (5 min, >= 95 %, 4th failure)", 300, 0.95, 4)
ARGO_INLINE = Threshold("Argo Rollouts, inline example (5 x 60 s, >= 95 %, 1st)", 60, 0.95, 1, passes=5)
FLAGGER_CANARY = Threshold("Flagger, canary (1 min, >= 99 %, 10)", 60, 0.99, 10, passes=25, ticks_late=1)
FLAGGER_BLUE_GREEN = Threshold("Flagger, blue/green (10 x 1 min, >= 99 %, 2)", 60, 0.99, 2, passes=10, ticks_late=1)
FLAGGER_DEFAULT = Threshold("Flagger, defaults (1 min, >= 99 %, 1)", 60, 0.99, 1, ticks_late=1)
DOCUMENTED = (ARGO_EXAMPLE, ARGO_INLINE, FLAGGER_CANARY, FLAGGER_BLUE_GREEN, FLAGGER_DEFAULT)


def bound(bad_rate: float) -> float:
    """Give the samples that every test with this alpha needs on average (Wald 1945): log(1/alpha) / KL(p || p0)."""
    divergence = bad_rate * math.log(bad_rate / HEALTHY)
    if bad_rate < 1:
        divergence += (1 - bad_rate) * (math.log1p(-bad_rate) - math.log1p(-HEALTHY))
    return max(1.0, LIMIT / divergence)
