"""What the board counts, in Prometheus' text format 0.0.4."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "WS"})
OTHER = "other"
"""Every method that somebody invents."""
TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Meters:
    """Requests by route and status, their durations, and gauges that are read when asked for."""

    requests: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    """By route, method and status: a route, not a path, so that there are few."""
    _counts: dict[str, list[int]] = field(default_factory=dict)
    _sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    gauges: dict[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)
    """Name -> what it means, and how it is read."""

    def seen(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests[route, method if method in METHODS else OTHER, status] += 1
        counts = self._counts.setdefault(route, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._sums[route] += seconds

    def text(self) -> str:
        """Write everything."""
        return "\n".join([*self._requests(), *self._durations(), *self._gauges()]) + "\n"

    def _requests(self) -> Iterator[str]:
        yield "# HELP lockgate_board_requests_total Requests answered."
        yield "# TYPE lockgate_board_requests_total counter"
        for (route, method, status), number in sorted(self.requests.items()):
            labels = f'route="{_label(route)}",method="{_label(method)}",status="{status}"'
            yield f"lockgate_board_requests_total{{{labels}}} {number}"

    def _durations(self) -> Iterator[str]:
        name = "lockgate_board_request_seconds"
        yield f"# HELP {name} Time to answer."
        yield f"# TYPE {name} histogram"
        for route, counts in sorted(self._counts.items()):
            label, total = f'route="{_label(route)}"', 0
            for bound, number in zip((*BUCKETS, "+Inf"), counts, strict=True):
                total += number
                yield f'{name}_bucket{{{label},le="{bound}"}} {total}'
            yield f"{name}_sum{{{label}}} {self._sums[route]:.6f}"
            yield f"{name}_count{{{label}}} {total}"

    def _gauges(self) -> Iterator[str]:
        for name, (meaning, read) in sorted(self.gauges.items()):
            yield f"# HELP lockgate_board_{name} {meaning}"
            yield f"# TYPE lockgate_board_{name} {'counter' if name.endswith('_total') else 'gauge'}"
            yield f"lockgate_board_{name} {read():g}"


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
