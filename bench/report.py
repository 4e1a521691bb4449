"""What came of a load: counted while it runs, told when it has ended."""

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

UNKNOWN = "unknown"


@dataclass(slots=True)
class Second:
    """One second of the load."""

    t: int
    ok: int = 0
    failed: int = 0
    by_version: Counter[str] = field(default_factory=Counter)
    """Good answers."""
    bad_by_version: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "t": self.t,
            "ok": self.ok,
            "bad": self.bad_by_version.total(),
            "failed": self.failed,
            "by_version": dict(self.by_version),
            "bad_by_version": dict(self.bad_by_version),
        }


@dataclass(frozen=True, slots=True)
class WebSocketReport:
    """What the WebSocket clients saw."""

    opened: int
    refused: int
    """Attempts to open one that failed."""
    messages: int
    """Messages that came back."""
    closed: int
    """Closed, or silent for too long, while the load was on."""
    closes: tuple[dict[str, Any], ...]
    """When (seconds from the start), on which version and with which code."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The whole load. All times are seconds."""

    seconds: float
    requests: int
    ok: int
    failed: int
    """Requests without an answer."""
    errors: dict[str, int]
    """The failed ones by kind."""
    by_version: dict[str, int]
    """Good answers."""
    bad_by_version: dict[str, int]
    """Answers that came and were wrong."""
    longest_gap: float
    """The longest time in which no request was answered, while the load was on."""
    slowest: float
    p50: float
    p95: float
    p99: float
    websockets: WebSocketReport
    series: tuple[dict[str, Any], ...]

    @property
    def bad(self) -> int:
        """Wrong answers, of all versions."""
        return sum(self.bad_by_version.values())

    @property
    def longest_stall(self) -> float:
        """The longest time that a user, or all of them, waited."""
        return max(self.longest_gap, self.slowest)

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return asdict(self) | {"bad": self.bad, "longest_stall": self.longest_stall}


class Tally:
    """Counts while the load runs. `now` gives seconds that never jump."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.started = now()
        self._last_answer = self.started
        self._longest_gap = 0.0
        self._times = array("d")
        self._errors: Counter[str] = Counter()
        self._series: dict[int, Second] = {}
        self._opened = self._refused = self._messages = 0
        self._closes: list[dict[str, Any]] = []

    def answered(self, sent: float, version: str, *, good: bool) -> None:
        """Count an answer to what was sent at `sent`."""
        now = self._now()
        self._times.append(now - sent)
        self._longest_gap = max(self._longest_gap, now - self._last_answer)
        self._last_answer = now
        second = self.second(now)
        if good:
            second.ok += 1
            second.by_version[version or UNKNOWN] += 1
        else:
            second.bad_by_version[version or UNKNOWN] += 1

    def failed(self, kind: str) -> None:
        """Count a request without an answer."""
        self._errors[kind] += 1
        self.second(self._now()).failed += 1

    def opened(self) -> None:
        """Count a WebSocket that opened."""
        self._opened += 1

    def refused(self) -> None:
        """Count a WebSocket that did not open."""
        self._refused += 1

    def echoed(self) -> None:
        """Count a message that came back."""
        self._messages += 1

    def closed(self, version: str, code: int | None) -> None:
        """Count a WebSocket that closed, or fell silent (without a code)."""
        self._closes.append({"t": round(self._now() - self.started, 3), "version": version or UNKNOWN, "code": code})

    def second(self, now: float) -> Second:
        """Give the count of the second that `now` is in."""
        at = int(now - self.started)
        return self._series.setdefault(at, Second(at))

    def report(self) -> LoadReport:
        """Sum up."""
        now = self._now()
        good: Counter[str] = Counter()
        bad: Counter[str] = Counter()
        for second in self._series.values():
            good += second.by_version
            bad += second.bad_by_version
        times = sorted(self._times)
        return LoadReport(
            seconds=round(now - self.started, 3),
            requests=len(times) + self._errors.total(),
            ok=good.total(),
            failed=self._errors.total(),
            errors=dict(self._errors),
            by_version=dict(good),
            bad_by_version=dict(bad),
            longest_gap=max(self._longest_gap, now - self._last_answer),
            slowest=times[-1] if times else 0.0,
            p50=percentile(times, 50),
            p95=percentile(times, 95),
            p99=percentile(times, 99),
            websockets=WebSocketReport(
                self._opened, self._refused, self._messages, len(self._closes), tuple(self._closes)
            ),
            series=tuple(self._series[at].to_dict() for at in sorted(self._series)),
        )


def percentile(ordered: list[float], percent: int) -> float:
    """Give the smallest value that at least `percent` of them do not exceed; 0.0 where there is none."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
