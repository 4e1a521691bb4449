"""What a config must make sense of as a whole: the rules that no schema can say. All problems come at once."""

from collections.abc import Iterator
from itertools import pairwise

from lockgate.core import (
    azure_rules,
    fleet_rules,
    freeze_rules,
    gate_rules,
    ledger_rules,
    notification,
    probe_rules,
    scan_rules,
)
from lockgate.core.azure_cloud import REQUIRED
from lockgate.core.config import Budgets, BuilderKind, Config, EnvironmentConfig
from lockgate.core.config_problems import Path, Problem
from lockgate.core.config_target import TargetConfig, TargetKind
from lockgate.core.passing import soonest
from lockgate.core.quantities import format_duration, format_share

WHOLE = 100
STEP = 5


def check(config: Config) -> Iterator[Problem]:
    """Yield every rule that the config breaks."""
    yield from _start(config)
    yield from _acr(config)
    yield from _pushed(config)
    yield from _availability(config)
    yield from _ports(config)
    yield from scan_rules.check(config.scan)
    yield from notification.check(config.notify)
    yield from ledger_rules.check(config.ledger)
    for environment in config.environments.values():
        yield from _steps(environment)
        yield from gate_rules.check(environment, config.budgets)
        yield from probe_rules.check(environment)
        yield from azure_rules.check(environment)
        yield from freeze_rules.check(environment)
        yield from fleet_rules.check(environment)
        if gate_rules.sensible(environment, config.budgets):
            yield from _time(environment, config)


def shortest_rollout(environment: EnvironmentConfig, budgets: Budgets) -> float:
    """Give the seconds that a healthy rollout takes at the very least: evidence, pauses between steps, the bake."""
    pauses = len(environment.strategy.steps) - 1
    return soonest(environment.gate, budgets) + pauses * environment.strategy.pause + environment.gate.bake


def _start(config: Config) -> Iterator[Problem]:
    kind = config.build.kind
    if kind in {BuilderKind.BUNDLE, BuilderKind.AUTO} and not config.build.bundle.start.strip():
        why = (
            "a bundle is started by it"
            if kind is BuilderKind.BUNDLE
            else "build.kind is auto: without docker and podman it ships a bundle (or set build.kind: docker)"
        )
        path: Path = ("build", "bundle", "start")
        message = f"is missing: expected the command that starts the service on $PORT, because {why}"
        yield Problem(path, message, depends=(path, ("build", "kind")))


def _acr(config: Config) -> Iterator[Problem]:
    if config.build.kind is not BuilderKind.ACR:
        return
    needed: dict[Path, str] = {("azure", key): getattr(config.azure, key) for key in REQUIRED}
    needed["build", "registry"] = config.build.registry
    for path, value in needed.items():
        if not value:
            yield Problem(path, "is missing: build.kind is acr", depends=(path, ("build", "kind")))
    if "/" in config.build.registry:
        path = ("build", "registry")
        yield Problem(path, "expected a host alone, because build.kind is acr: a folder belongs into build.image")


def _pushed(config: Config) -> Iterator[Problem]:
    build = config.build
    for key, why in (("cache", "layers are kept there"), ("platforms", "a list of images is kept nowhere else")):
        path: Path = ("build", key)
        if getattr(build, key) and not build.registry:
            yield Problem(path, f"needs build.registry: {why}", depends=(path, ("build", "registry")))
    kinds = {BuilderKind.DOCKER, BuilderKind.AUTO}
    path = ("build", "platforms")
    if build.platforms and build.kind not in kinds:
        yield Problem(path, "needs docker: expected build.kind to be docker", depends=(path, ("build", "kind")))


def _availability(config: Config) -> Iterator[Problem]:
    path: Path = ("budgets", "availability")
    availability = config.budgets.availability
    if not 0 < availability < 1:
        message = f"expected a share above 0% and below 100%, got {format_share(availability)}"
        yield Problem(path, f"{message}; no evidence can show that a service never fails", depends=(path,))


def _ports(config: Config) -> Iterator[Problem]:
    taken: dict[int, tuple[str, Path]] = {}
    for name, here, target in _targets(config):
        if target.kind is not TargetKind.LOCAL:
            continue
        if target.port in taken:
            other, there = taken[target.port]
            message = f"expected a port of its own, got {target.port}, which is also {other}'s"
            yield Problem(here, message, depends=(here, there))
        taken.setdefault(target.port, (name, here))


def _targets(config: Config) -> Iterator[tuple[str, Path, TargetConfig]]:
    for name, environment in config.environments.items():
        for member, target in environment.targets.items():
            yield f"{name}/{member}", ("environments", name, "targets", member, "port"), target
        if not environment.targets:
            yield f"environment {name}", ("environments", name, "target", "port"), environment.target


def _steps(environment: EnvironmentConfig) -> Iterator[Problem]:
    path = _at(environment, "strategy", "steps")
    steps = environment.strategy.steps
    told = f"[{', '.join(str(step) for step in steps)}]"
    if any(step % STEP or not STEP <= step <= WHOLE for step in steps):
        yield Problem(path, f"expected multiples of {STEP} from {STEP} to {WHOLE}, got {told}", depends=(path,))
    if any(after <= before for before, after in pairwise(steps)):
        yield Problem(path, f"expected each step to be more than the one before, got {told}", depends=(path,))
    if not steps or steps[-1] != WHOLE:
        yield Problem(path, f"expected the last step to be {WHOLE}, got {told}", depends=(path,))


def _time(environment: EnvironmentConfig, config: Config) -> Iterator[Problem]:
    needed, budget = shortest_rollout(environment, config.budgets), config.budgets.deploy
    if needed <= budget:
        yield from fleet_rules.wave_time(environment, needed, budget)
        return
    gate, strategy = environment.gate, environment.strategy
    parts = [f"{format_duration(soonest(gate, config.budgets))} of evidence before promotion"]
    if len(strategy.steps) > 1:
        parts.append(f"{len(strategy.steps) - 1} pauses x {format_duration(strategy.pause)}")
    parts.append(f"{format_duration(gate.bake)} bake")
    message = (
        f"a rollout takes at least {' + '.join(parts)} = {format_duration(needed)}, "
        f"more than budgets.deploy ({format_duration(budget)})"
    )
    where = _at(environment)
    keys = ("bake", "minimum_span", "minimum_samples", "rate", "detect", "probes")
    used = [_at(environment, "gate", key) for key in keys]
    used += [_at(environment, "strategy", key) for key in ("steps", "pause")]
    yield Problem(where, message, at_key=True, depends=(*used, ("budgets", "deploy")))


def _at(environment: EnvironmentConfig, *keys: str) -> Path:
    return ("environments", environment.name, *keys)
