"""Make the probe of each kind."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lockgate.adapters.http import Prober, trust
from lockgate.adapters.probes.certificate import CertificateProbe
from lockgate.adapters.probes.command import CommandProbe
from lockgate.adapters.probes.metric import MetricProbe
from lockgate.adapters.probes.page import PageProbe
from lockgate.adapters.probes.socketio import SocketIoProbe
from lockgate.adapters.probes.websocket import WebSocketProbe
from lockgate.core.outcome import Probe
from lockgate.core.probe_config import ProbeConfig, ProbeKind


@dataclass
class Means:
    """What probes may use of the machine they run on."""

    cwd: Path = field(default_factory=Path)
    """Where commands run."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What commands see."""
    ca: Path | None = None
    """Certificates that are trusted beside the system's."""

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What is trusted; raise ConfigInvalidError."""
        return trust(self.ca)

    def prober(self) -> Prober:
        """Give a prober that trusts these; raise ConfigInvalidError."""
        return Prober(self.tls if self.ca else None)


def make(probe: ProbeConfig, prober: Prober, means: Means, budget: float) -> Probe:
    """Give the probe that asks what the config says."""
    match probe.kind:
        case ProbeKind.TLS:
            return CertificateProbe(probe, means.tls)
        case ProbeKind.WEBSOCKET:
            return WebSocketProbe(probe, prober)
        case ProbeKind.SOCKETIO:
            return SocketIoProbe(probe, prober)
        case ProbeKind.COMMAND:
            return CommandProbe(probe, means.cwd, means.env)
        case ProbeKind.METRIC:
            return MetricProbe(probe, prober)
        case _:
            return PageProbe(probe, prober, budget)
