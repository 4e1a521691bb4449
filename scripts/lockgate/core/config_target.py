"""The `target` section of the user's config: which platform, what is called how there, how it scales."""

from dataclasses import dataclass
from enum import StrEnum


class TargetKind(StrEnum):
    """The platform adapters."""

    LOCAL = "local"
    APP_SERVICE = "azure-app-service"
    CONTAINER_APPS = "azure-container-apps"

    @property
    def on_azure(self) -> bool:
        """Whether Azure runs it, and starts again by itself what dies."""
        return self is not TargetKind.LOCAL


class ScaleMetric(StrEnum):
    """What a scale rule looks at: the average over all instances, in percent."""

    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class ScaleRuleConfig:
    """Above or below so many percent, add or remove so many instances."""

    metric: ScaleMetric = ScaleMetric.CPU
    above: int = 0
    below: int = 0
    change: int = 1
    window: float = 300.0
    cooldown: float = 300.0


@dataclass(frozen=True, slots=True)
class AutoscaleConfig:
    """How many instances there are."""

    minimum: int = 2
    maximum: int = 20
    default: int = 2
    """Where the metrics cannot be read."""
    rules: tuple[ScaleRuleConfig, ...] = (ScaleRuleConfig(above=70, change=2), ScaleRuleConfig(below=30))


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """Where an environment runs."""

    kind: TargetKind = TargetKind.LOCAL
    port: int = 8080
    start_timeout: float = 30.0
    app: str = ""
    """The name of the web app or container app."""
    slot: str = "preview"
    """App Service: the deployment slot that new releases are brought up in."""
    warm_up: str = ""
    """App Service: the path Azure asks itself before a swap; "" leaves that as it is."""
    websockets: bool = False
    autoscale: AutoscaleConfig | None = None


@dataclass(frozen=True, slots=True)
class MemberConfig(TargetConfig):
    """One of several places an environment runs."""

    url: str = ""
    """What users type there, for reports."""
