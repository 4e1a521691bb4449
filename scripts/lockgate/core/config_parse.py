"""Make the config from a document that the schema allows. Keys are field names; only units and types change."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from lockgate.core.azure_cloud import AzureConfig, CloudConfig, EnvironmentAzureConfig
from lockgate.core.config import (
    Approval,
    Budgets,
    BuildConfig,
    BuilderKind,
    BundleConfig,
    Config,
    EnvironmentConfig,
    FreezeConfig,
    GateConfig,
    IntegrationConfig,
    MigrationConfig,
    StrategyConfig,
    TestConfig,
    VersionConfig,
)
from lockgate.core.config_ledger import LeaseRule, LedgerConfig, LedgerKind
from lockgate.core.config_problems import Path
from lockgate.core.config_provenance import Attestations, ProvenanceConfig
from lockgate.core.config_scan import ExceptionConfig, ScanConfig, Vulnerabilities
from lockgate.core.config_target import (
    AutoscaleConfig,
    MemberConfig,
    ScaleMetric,
    ScaleRuleConfig,
    TargetConfig,
    TargetKind,
)
from lockgate.core.notification import Form, NotifyConfig
from lockgate.core.probe_config import ProbeConfig, ProbeKind, Transport
from lockgate.core.quantities import parse_duration, parse_share, parse_size
from lockgate.core.trace import TelemetryConfig
from lockgate.core.vault_reference import SecretConfig

Section = Mapping[str, Any]
Readers = dict[str, Callable[[Any], Any]]


def parse(document: Section) -> Config:
    """Make the config; the schema must have been checked. A missing service becomes ""."""
    given = _read(
        document,
        test=_test,
        scan=_scan,
        build=_build,
        provenance=lambda given: ProvenanceConfig(**_read(given, attestations=Attestations)),
        environments=lambda all_of_them: {name: _environment(name, one) for name, one in all_of_them.items()},
        budgets=_budgets,
        ledger=_ledger,
        azure=lambda given: AzureConfig(**_read(given, cloud=lambda cloud: CloudConfig(**cloud))),
        notify=lambda given: tuple(NotifyConfig(**_read(one, to=Form)) for one in given),
        telemetry=lambda given: TelemetryConfig(**given),
        secrets=lambda all_of_them: {name: SecretConfig(**one) for name, one in all_of_them.items() if "env" in one},
    )
    given.pop("version", None)
    return Config(**({"service": ""} | given))


def without(document: Section, paths: Iterable[Path]) -> dict[str, Any]:
    """Copy a document, leaving out what stands at these paths: what is wrong there falls back to its default."""
    copy = deepcopy(dict(document))
    for path in sorted(paths, key=lambda path: [str(part).rjust(8, "0") for part in path], reverse=True):
        _remove(copy, path)
    return copy


def _remove(document: Any, path: Path) -> None:
    if not path:
        return
    *way, last = path
    for part in way:
        inside = isinstance(document, dict) and part in document
        inside = inside or (isinstance(document, list) and isinstance(part, int) and part < len(document))
        if not inside:
            return
        document = document[part]
    if isinstance(document, dict):
        document.pop(last, None)
    elif isinstance(document, list) and isinstance(last, int) and last < len(document):
        del document[last]


def _read(section: Section, **readers: Callable[[Any], Any]) -> dict[str, Any]:
    return {key: readers[key](value) if key in readers else value for key, value in section.items()}


def _test(section: Section) -> TestConfig:
    return TestConfig(**_read(section, timeout=parse_duration))


def _scan(section: Section) -> ScanConfig:
    readers: Readers = dict.fromkeys(("vulnerabilities", "artifact"), Vulnerabilities)
    readers |= dict.fromkeys(("block", "licences", "vex", "skip", "mirrors"), tuple)
    readers |= dict.fromkeys(("max_age", "timeout"), parse_duration)
    readers["exceptions"] = lambda given: tuple(ExceptionConfig(**one) for one in given)
    return ScanConfig(**_read(section, **readers))


def _build(section: Section) -> BuildConfig:
    return BuildConfig(
        **_read(section, kind=BuilderKind, port=int, platforms=tuple, bundle=lambda given: BundleConfig(**given))
    )


def _environment(name: str, section: Section) -> EnvironmentConfig:
    readers: Readers = {
        "target": lambda given: TargetConfig(**_target(given)),
        "targets": lambda all_of_them: {name: _member(one) for name, one in all_of_them.items()},
        "waves": lambda waves: tuple(tuple(wave) for wave in waves),
        "concurrency": int,
        "strategy": lambda given: StrategyConfig(
            **_read(given, steps=_steps, pause=parse_duration, drain=parse_duration)
        ),
        "gate": _gate,
        "approval": Approval,
        "azure": lambda given: EnvironmentAzureConfig(**given),
        "integration": lambda given: IntegrationConfig(**_read(given, timeout=parse_duration)),
        "freeze": lambda given: tuple(FreezeConfig(**one) for one in given),
        "hold_after_rollback": parse_duration,
        "migration": lambda given: MigrationConfig(**_read(given, timeout=parse_duration)),
    }
    return EnvironmentConfig(name=name, **_read(section, **readers))


def _member(section: Section) -> MemberConfig:
    return MemberConfig(**_target(section))


def _target(section: Section) -> dict[str, Any]:
    return _read(section, kind=TargetKind, port=int, start_timeout=parse_duration, autoscale=_autoscale)


def _autoscale(section: Section | None) -> AutoscaleConfig | None:
    if section is None:
        return None
    return AutoscaleConfig(**_read(section, minimum=int, maximum=int, default=int, rules=_scale_rules))


def _scale_rules(given: Iterable[Section]) -> tuple[ScaleRuleConfig, ...]:
    readers: Readers = dict.fromkeys(("above", "below", "change"), int)
    readers |= dict.fromkeys(("window", "cooldown"), parse_duration)
    return tuple(ScaleRuleConfig(**_read(one, metric=ScaleMetric, **readers)) for one in given)


def _steps(given: Iterable[float]) -> tuple[int, ...]:
    return tuple(int(step) for step in given)


def _gate(section: Section) -> GateConfig:
    readers: Readers = dict.fromkeys(("minimum_span", "pre_promotion", "bake", "verify"), parse_duration)
    readers |= {
        "probes": lambda given: tuple(_probe(one) for one in given),
        "version": lambda given: VersionConfig(**given),
        "rate": float,
        "alpha": parse_share,
        "detect": parse_share,
        "minimum_samples": int,
    }
    return GateConfig(**_read(section, **readers))


def _probe(section: Section) -> ProbeConfig:
    readers: Readers = {
        "kind": ProbeKind,
        "transport": Transport,
        "objective": lambda given: parse_share(given) if given else None,
        "interval": lambda given: parse_duration(given) if given else None,
        "response": lambda given: parse_duration(given) if given else None,
        "timeout": parse_duration,
        "skip": tuple,
    }
    return ProbeConfig(**_read(section, **dict.fromkeys(("status", "days_left", "hold"), int), **readers))


def _ledger(given: str | Section) -> LedgerConfig:
    section = {"kind": given} if isinstance(given, str) else given
    readers: Readers = {"kind": LedgerKind, "lease": LeaseRule, "timeout": parse_duration}
    return LedgerConfig(**_read(section, **readers, secret=lambda reference: reference.get("env", "")))


def _budgets(section: Section) -> Budgets:
    durations = {"build": parse_duration, "deploy": parse_duration, "response": parse_duration}
    shares = {"coverage": parse_share, "availability": parse_share}
    return Budgets(**_read(section, **durations, **shares, image=parse_size))
