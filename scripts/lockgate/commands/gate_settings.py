"""What `lockgate gate` judges by: an environment's settings, and what the command line says instead."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lockgate.commands.project import Project
from lockgate.core.config import Budgets, Config, EnvironmentConfig, GateConfig
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.quantities import parse_duration, parse_share
from lockgate.core.samples import GateSpec, Objective
from lockgate.core.streams import objectives
from lockgate.errors import UsageError

_RATE_LIMIT = 1000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that change how is judged."""
    parser.add_argument("--environment", help="judge by this environment's settings (default: the last one's)")
    parser.add_argument(
        "--objective",
        action="append",
        default=[],
        metavar="NAME=SHARE",
        help="an indicator and the share of its samples that must be good, like availability=99%%; repeatable",
    )
    parser.add_argument("--alpha", metavar="SHARE", help="chance that a healthy release fails, like 1%%")
    parser.add_argument(
        "--minimum-span",
        metavar="TIME",
        help="after a bad sample nothing counts for this long, like 2s: a shorter burst is one error",
    )
    parser.add_argument("--minimum-samples", metavar="N", help="samples without which nothing passes")
    parser.add_argument("--duration", metavar="TIME", help="how long to watch, like 60s (--replay: to the last sample)")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one watch judges."""

    environment: str
    gate: GateConfig
    budgets: Budgets
    asked: tuple[Objective, ...]
    """What the command line promises; it replaces the configured objectives."""
    duration: float | None

    @property
    def configured(self) -> Sequence[Objective]:
        """The objectives of the environment."""
        return objectives(self.gate, self.budgets, live=True, duration=self.duration or self.gate.bake)

    def spec(self, chosen: Sequence[Objective], *, compare: bool) -> GateSpec:
        """Give the specification of a watch that lasts its full time, as a bake does."""
        return GateSpec(
            objectives=tuple(chosen),
            alpha=self.gate.alpha,
            duration=self.duration or self.gate.bake,
            minimum_samples=self.gate.minimum_samples,
            minimum_span=self.gate.minimum_span,
            early_pass=False,
            compare=compare,
        )


def read(project: Project, arguments: argparse.Namespace) -> Settings:
    """Read the config where there is one, then the command line. Raise UsageError."""
    name = arguments.environment or project.runner.input("environment")
    needed = name or arguments.config or project.runner.input("config") or project.config_path.exists()
    config = project.config if needed else Config(service="")
    environment = _environment(project, config, name)
    changes: dict[str, float | int] = {}
    if arguments.alpha is not None:
        changes["alpha"] = _share("--alpha", arguments.alpha)
    if arguments.minimum_span is not None:
        changes["minimum_span"] = duration("--minimum-span", arguments.minimum_span)
    if arguments.minimum_samples is not None:
        changes["minimum_samples"] = _count("--minimum-samples", arguments.minimum_samples)
    return Settings(
        environment.name,
        replace(environment.gate, **changes),  # type: ignore[arg-type]  # the names above are numbers
        config.budgets,
        _objectives(arguments.objective, environment.gate.detect),
        None if arguments.duration is None else duration("--duration", arguments.duration, positive=True),
    )


def _environment(project: Project, config: Config, name: str) -> EnvironmentConfig:
    if name:
        return project.environment(name)
    # The last one is where users are; a person who means another says so, and reads which one was taken.
    return list(config.environments.values())[-1] if config.environments else EnvironmentConfig("")


def probes(settings: Settings, arguments: argparse.Namespace) -> GateConfig:
    """Give what to ask of a live URL, and how often."""
    gate = settings.gate
    if arguments.path is not None:
        if not arguments.path.startswith("/"):
            raise UsageError(f'lockgate gate: --path must begin with "/", not "{arguments.path}".')
        gate = replace(gate, probes=(ProbeConfig(path=arguments.path),))
    if arguments.rate is not None:
        gate = replace(gate, rate=_number("--rate", arguments.rate, 0.01, _RATE_LIMIT))
    return gate


def duration(option: str, text: str, *, positive: bool = False) -> float:
    """Read a duration, or plain seconds. Raise UsageError."""
    try:
        value = float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text)
    except ValueError as error:
        raise UsageError(f"lockgate gate: {option}: {error}") from error
    if positive and value <= 0:
        raise UsageError(f"lockgate gate: {option} must be longer than 0.")
    return value


def _objectives(given: Sequence[str], detect: float) -> tuple[Objective, ...]:
    found: dict[str, Objective] = {}
    for text in given:
        name, equals, promised = text.rpartition("=")
        if not equals or not name.strip():
            raise UsageError(f'lockgate gate: expected --objective NAME=SHARE like availability=99%, got "{text}".')
        limit = round(1 - _share(f"--objective {name}", promised), 12)
        found[name.strip()] = Objective(name.strip(), limit, detect if detect > limit else (1 + limit) / 2)
    return tuple(found.values())


def _share(option: str, text: str) -> float:
    try:
        value = parse_share(text) if text.endswith("%") else float(text)
    except ValueError as error:
        raise UsageError(f'lockgate gate: {option}: expected a share like 99%, got "{text}".') from error
    if not 0 < value < 1:
        raise UsageError(
            f"lockgate gate: {option} must be more than 0 % and less than 100 %, not {text}.",
            why="A promise without exception is broken by the first bad sample; no statistics are needed for that.",
        )
    return value


def _count(option: str, text: str) -> int:
    return int(_number(option, text, 1, 1e9)) if text.isdecimal() else int(_number(option, "nan", 1, 1e9))


def _number(option: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise UsageError(f'lockgate gate: {option} must be a number from {least:g} to {most:g}, not "{text}".')
    return value
