"""What a gate's probes must make sense of: the keys of each kind, and that something is asked before any traffic."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType

from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_problems import Path, Problem, alternatives
from lockgate.core.config_target import TargetConfig, TargetKind
from lockgate.core.probe_config import LATENCY, ProbeConfig, ProbeKind
from lockgate.core.quantities import format_share

_EVERY = ("kind", "indicator", "objective", "interval", "timeout")
KEYS: Mapping[ProbeKind, tuple[str, ...]] = MappingProxyType(
    {
        ProbeKind.HTTP: ("url", "path", "status", "json", "body", "headers", "redirect_to_https", "response"),
        ProbeKind.SECURITY_HEADERS: ("url", "path", "skip"),
        ProbeKind.TLS: ("url", "days_left"),
        ProbeKind.WEBSOCKET: ("url", "path", "send", "expect", "hold"),
        ProbeKind.SOCKETIO: ("url", "path", "transport"),
        ProbeKind.COMMAND: ("command",),
        ProbeKind.METRIC: ("url", "query", "good"),
    }
)
"""The keys that each kind reads, beside those of every kind."""
NEEDED: Mapping[ProbeKind, tuple[str, ...]] = MappingProxyType(
    {ProbeKind.COMMAND: ("command",), ProbeKind.METRIC: ("url", "query", "good")}
)


def check(environment: EnvironmentConfig) -> Iterator[Problem]:
    """Yield what is wrong with an environment's probes."""
    probes = environment.gate.probes
    where: Path = ("environments", environment.name, "gate", "probes")
    for number, probe in enumerate(probes):
        yield from _keys(probe, (*where, number))
        yield from _tls(probe, environment, (*where, number))
    yield from _objectives(probes, where)
    if all(probe.live_only for probe in probes):
        told = "expected a probe that asks the revision itself: these say nothing before it has traffic"
        yield Problem(where, told, depends=(where,))


def _keys(probe: ProbeConfig, where: Path) -> Iterator[Problem]:
    known = (*_EVERY, *KEYS[probe.kind])
    depends = (*where, "kind")
    for field in fields(ProbeConfig):
        if field.name not in known and getattr(probe, field.name) != getattr(_DEFAULTS, field.name):
            told = f"is not for kind {probe.kind}, which knows {alternatives(KEYS[probe.kind], 'and')}"
            yield Problem((*where, field.name), told, at_key=True, depends=((*where, field.name), depends))
    for key in NEEDED.get(probe.kind, ()):
        if not getattr(probe, key).strip():
            yield Problem((*where, key), f"is missing: kind {probe.kind} needs it", depends=((*where, key), depends))
    if probe.indicator == LATENCY:
        told = f"expected another name than {LATENCY}, which every http probe feeds with its speed"
        yield Problem((*where, "indicator"), told, depends=((*where, "indicator"),))
    if probe.objective is not None and not 0 < probe.objective < 1:
        told = f"expected a share above 0% and below 100%, got {format_share(probe.objective)}"
        yield Problem((*where, "objective"), told, depends=((*where, "objective"),))


def _tls(probe: ProbeConfig, environment: EnvironmentConfig, where: Path) -> Iterator[Problem]:
    targets: list[TargetConfig] = [*environment.targets.values()] or [environment.target]
    if probe.kind is not ProbeKind.TLS:
        return
    path = (*where, "url")
    if probe.url and not probe.url.startswith("https:"):
        yield Problem(path, f'expected an address with https, got "{probe.url}"', depends=(path,))
    if not probe.url and any(target.kind is TargetKind.LOCAL for target in targets):
        told = "is missing: a local target serves without TLS, so say which address has it"
        yield Problem(path, told, depends=(path, (*where, "kind")))


def _objectives(probes: tuple[ProbeConfig, ...], where: Path) -> Iterator[Problem]:
    promised: dict[str, float] = {}
    for number, probe in enumerate(probes):
        if probe.objective is None:
            continue
        path = (*where, number, "objective")
        if probe.feeds == "availability":
            yield Problem(path, "expected no objective for availability: it is budgets.availability", depends=(path,))
        elif promised.setdefault(probe.feeds, probe.objective) != probe.objective:
            other = format_share(promised[probe.feeds])
            told = f"expected {other}, which another probe of {probe.feeds} has, got {format_share(probe.objective)}"
            yield Problem(path, told, depends=(path,))


_DEFAULTS = ProbeConfig()
