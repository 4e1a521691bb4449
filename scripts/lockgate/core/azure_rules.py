"""What a target on Azure must make sense of as a whole."""

from collections.abc import Iterator

from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_problems import Path, Problem
from lockgate.core.config_target import AutoscaleConfig, TargetConfig, TargetKind

_FOREIGN: dict[TargetKind, tuple[str, ...]] = {
    TargetKind.LOCAL: ("app", "slot", "warm_up", "websockets", "autoscale"),
    TargetKind.APP_SERVICE: (),
    TargetKind.CONTAINER_APPS: ("slot", "warm_up"),
}
"""The keys that mean nothing for a kind."""


def check(environment: EnvironmentConfig) -> Iterator[Problem]:
    """Yield every rule that the environment's targets break."""
    place: Path = ("environments", environment.name)
    for name, member in environment.targets.items():
        yield from _target(member, (*place, "targets", name))
    if not environment.targets:
        yield from _target(environment.target, (*place, "target"))


def _target(target: TargetConfig, at: Path) -> Iterator[Problem]:
    kind = (*at, "kind")
    if target.kind.on_azure and not target.app:
        path = (*at, "app")
        yield Problem(path, "is missing: expected the name of the app on Azure", depends=(path, kind))
    for key in _FOREIGN[target.kind]:
        if getattr(target, key) != getattr(TargetConfig(), key):
            path = (*at, key)
            yield Problem(path, f"has no meaning for the kind {target.kind}", at_key=True, depends=(path, kind))
    if target.autoscale:
        yield from _autoscale(target.autoscale, (*at, "autoscale"))


def _autoscale(config: AutoscaleConfig, at: Path) -> Iterator[Problem]:
    if not config.minimum <= config.default <= config.maximum:
        message = f"expected minimum <= default <= maximum, got {config.minimum}, {config.default} and {config.maximum}"
        used = tuple((*at, key) for key in ("minimum", "default", "maximum"))
        yield Problem(at, message, at_key=True, depends=(at, *used))
    for number, rule in enumerate(config.rules):
        if bool(rule.above) is bool(rule.below):
            path = (*at, "rules", number)
            yield Problem(path, "expected above or below, one of them", at_key=True, depends=(path,))
