"""What is asked of a revision, again and again: the probes of a gate, as the config has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class ProbeKind(StrEnum):
    """What a probe asks."""

    HTTP = "http"
    SECURITY_HEADERS = "security-headers"
    TLS = "tls"
    WEBSOCKET = "websocket"
    SOCKETIO = "socketio"
    COMMAND = "command"
    METRIC = "metric"


class Transport(StrEnum):
    """How a Socket.IO client begins."""

    WEBSOCKET = "websocket"
    POLLING = "polling"


INDICATORS: Mapping[ProbeKind, str] = MappingProxyType(
    {
        ProbeKind.HTTP: "availability",
        ProbeKind.SECURITY_HEADERS: "security_headers",
        ProbeKind.TLS: "tls",
        ProbeKind.WEBSOCKET: "websocket",
        ProbeKind.SOCKETIO: "socketio",
        ProbeKind.COMMAND: "command",
        ProbeKind.METRIC: "metric",
    }
)
"""Which indicator a probe feeds where it names none."""
INTERVALS: Mapping[ProbeKind, float] = MappingProxyType(
    {ProbeKind.TLS: 5.0, ProbeKind.COMMAND: 5.0, ProbeKind.METRIC: 15.0}
)
"""Seconds between the questions of a scarce kind; the others are asked at the gate's rate.

A certificate changes rarely, a command is dear, and a metric is as new as its last scrape.
"""
LATENCY = "latency"
VERSION_PLACE = "$version"
"""What stands in a metric's query for the version that is asked about."""


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """One question, asked again and again: a stream of good and bad samples."""

    path: str = "/"
    status: int = 200
    json: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    """Dotted path in the JSON body -> the value it must have."""
    timeout: float = 2.0
    kind: ProbeKind = ProbeKind.HTTP
    indicator: str = ""
    objective: float | None = None
    """The share of good samples of the indicator; None for the budget of availability."""
    interval: float | None = None
    """Seconds between two questions; None for the kind's default."""
    url: str = ""
    """An address of its own, instead of the revision's."""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    redirect_to_https: bool = False
    response: float | None = None
    """Seconds after which an answer is slow; None for the budget."""
    skip: tuple[str, ...] = ()
    days_left: int = 14
    send: str = ""
    expect: str = ""
    hold: int = 3
    transport: Transport = Transport.WEBSOCKET
    command: str = ""
    query: str = ""
    good: str = ""

    @property
    def feeds(self) -> str:
        """The indicator that it feeds."""
        return self.indicator or INDICATORS[self.kind]

    @property
    def every(self) -> float | None:
        """Seconds between two questions; None where it takes its turn at the gate's rate."""
        return self.interval if self.interval is not None else INTERVALS.get(self.kind)

    @property
    def live_only(self) -> bool:
        """Whether it is about the service as users see it, so that it says nothing before the first traffic."""
        return self.kind is ProbeKind.METRIC or bool(self.url)

    @property
    def of_a_version(self) -> bool:
        """Whether it is asked about each version by name."""
        return self.kind is ProbeKind.METRIC and VERSION_PLACE in self.query
