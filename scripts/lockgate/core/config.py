"""The user's config as frozen data. Defaults here and in schemas/lockgate.schema.json are held equal by a test.

Durations are seconds, sizes bytes, shares 0 to 1. `config_parse` makes these from a validated document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lockgate.core.azure_cloud import AzureConfig, EnvironmentAzureConfig
from lockgate.core.config_ledger import LedgerConfig
from lockgate.core.config_provenance import ProvenanceConfig
from lockgate.core.config_scan import ScanConfig
from lockgate.core.config_target import MemberConfig, TargetConfig, TargetKind
from lockgate.core.notification import NotifyConfig
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.trace import TelemetryConfig
from lockgate.core.vault_reference import SecretConfig


class BuilderKind(StrEnum):
    """How the service is built. `auto` takes docker, then podman, then a bundle."""

    AUTO = "auto"
    DOCKER = "docker"
    PODMAN = "podman"
    BUNDLE = "bundle"
    ACR = "acr"


class Approval(StrEnum):
    """Whether a person has to say yes before anything is changed."""

    REQUIRED = "required"
    """Somebody who neither wrote the change nor started the run."""
    ANY_REVIEWER = "any-reviewer"
    """Any of the environment's reviewers."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TestConfig:
    """The `test` stage."""

    __test__ = False
    command: str = ""
    junit: str = "junit.xml"
    coverage: str = "coverage.xml"
    timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class BundleConfig:
    """How a bundle is made and started, where there is no container engine."""

    command: str = ""
    start: str = ""


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """The `build` stage."""

    kind: BuilderKind = BuilderKind.AUTO
    context: str = "."
    dockerfile: str = "Dockerfile"
    image: str = ""
    registry: str = ""
    cache: bool = False
    """Whether layers are kept in the registry between builds."""
    platforms: tuple[str, ...] = ()
    """`os/architecture`; none for the machine that builds."""
    port: int = 8000
    bundle: BundleConfig = field(default_factory=BundleConfig)


@dataclass(frozen=True, slots=True)
class VersionConfig:
    """Where an answer names the version that gave it: a header, or a dotted path in the JSON body."""

    header: str = ""
    json: str = ""


@dataclass(frozen=True, slots=True)
class GateConfig:
    """How a revision is judged; see docs/gates.md for what each number buys."""

    probes: tuple[ProbeConfig, ...] = (ProbeConfig(),)
    version: VersionConfig = field(default_factory=VersionConfig)
    ca: str = ""
    """A file of certificates that are trusted beside the system's."""
    rate: float = 5.0
    """Samples per second of each indicator, for each revision."""
    alpha: float = 0.01
    """Chance that a healthy release is ever failed."""
    detect: float = 0.05
    """The bad rate that must not pass early."""
    minimum_samples: int = 20
    minimum_span: float = 2.0
    pre_promotion: float = 90.0
    """Longest time to gather evidence before the first traffic."""
    bake: float = 60.0
    """Time under full traffic before a release is called deployed."""
    verify: float = 90.0
    """Longest time to judge the restored revision after a rollback."""


@dataclass(frozen=True, slots=True)
class StrategyConfig:
    """How traffic moves."""

    steps: tuple[int, ...] = (10, 50, 100)
    pause: float = 10.0
    """Time under watch at each step before the next."""
    drain: float = 30.0
    """Longest time the old revision may finish what it has begun."""


@dataclass(frozen=True, slots=True)
class IntegrationConfig:
    """Tests run against the environment's URL before traffic is shifted to the new revision."""

    command: str = ""
    timeout: float = 300.0


@dataclass(frozen=True, slots=True)
class MigrationConfig:
    """Commands around the promotion, and whether going back is safe after them."""

    before: str = ""
    after: str = ""
    backward_compatible: bool = True
    timeout: float = 300.0


@dataclass(frozen=True, slots=True)
class FreezeConfig:
    """A time in which nothing new is deployed: from a start to an end, or every week; see `core.freeze`."""

    reason: str = ""
    start: str = ""
    end: str = ""
    weekly: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class EnvironmentConfig:
    """One place the service runs."""

    name: str
    target: TargetConfig = field(default_factory=TargetConfig)
    targets: Mapping[str, MemberConfig] = field(default_factory=dict)
    """Several, by name, instead of the one: a fleet."""
    waves: tuple[tuple[str, ...], ...] = ()
    """Which of them are shipped together, one wave after the other; see `fleet_plan.waves` for the default."""
    concurrency: int = 4
    """How many targets are shipped at the same time."""
    strategy: StrategyConfig = field(default_factory=StrategyConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    approval: Approval = Approval.NONE
    integration: IntegrationConfig = field(default_factory=IntegrationConfig)
    migration: MigrationConfig = field(default_factory=MigrationConfig)
    azure: EnvironmentAzureConfig = field(default_factory=EnvironmentAzureConfig)
    freeze: tuple[FreezeConfig, ...] = ()
    hold_after_rollback: float = 0.0
    """Seconds without a new release after one was rolled back or broke."""
    url: str = ""
    """What users type, for reports; the target says where the service listens."""

    @property
    def kinds(self) -> tuple[TargetKind, ...]:
        """The kinds of its targets: of a fleet, those of its members."""
        return tuple(member.kind for member in self.targets.values()) or (self.target.kind,)


@dataclass(frozen=True, slots=True)
class Budgets:
    """The limits the pipeline enforces."""

    build: float = 180.0
    deploy: float = 300.0
    coverage: float = 0.90
    image: int = 200_000_000
    response: float = 0.2
    """95 % of the answers must be faster, in seconds."""
    availability: float = 0.999


@dataclass(frozen=True, slots=True)
class Config:
    """One service's lockgate.yml."""

    service: str
    test: TestConfig = field(default_factory=TestConfig)
    scan: ScanConfig = field(default_factory=ScanConfig)
    build: BuildConfig = field(default_factory=BuildConfig)
    provenance: ProvenanceConfig = field(default_factory=ProvenanceConfig)
    environments: Mapping[str, EnvironmentConfig] = field(default_factory=dict)
    budgets: Budgets = field(default_factory=Budgets)
    ledger: LedgerConfig = field(default_factory=LedgerConfig)
    azure: AzureConfig = field(default_factory=AzureConfig)
    notify: tuple[NotifyConfig, ...] = ()
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    secrets: Mapping[str, SecretConfig] = field(default_factory=dict)
    """Name the service sees -> where the value is. Never a value."""

    @property
    def registries(self) -> frozenset[str]:
        """The hosts of this project's own registries: where it builds into, and where its environments pull from."""
        hosts = {self.build.registry.partition("/")[0], *(one.azure.registry for one in self.environments.values())}
        return frozenset(host.lower() for host in hosts if host)

    @property
    def secret_variables(self) -> list[str]:
        """The environment variables whose values are secrets."""
        places = [name for one in self.notify for name in (one.url_env, one.key_env)]
        named = [*(secret.env for secret in self.secrets.values()), *places, self.ledger.secret]
        return [name for name in (*named, self.telemetry.application_insights) if name]
