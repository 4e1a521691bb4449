"""`lockgate validate`: say everything that is wrong with lockgate.yml, or what it promises."""

import argparse
from typing import Any

from lockgate.commands.project import Project
from lockgate.commands.validate_warnings import warnings
from lockgate.core import markdown
from lockgate.core.config import Approval, Budgets, Config, EnvironmentConfig
from lockgate.core.config_rules import shortest_rollout
from lockgate.core.config_target import TargetConfig, TargetKind
from lockgate.core.quantities import format_duration, format_share, format_size
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import ConfigInvalidError

_BURST = 4
"""So many times as long as a burst must `gate.minimum_span` be: at 2 s half a second is forgiven, and little more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing beyond what every command takes."""
    del parser


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Check the config; each problem also becomes a note on its line of the file."""
    del arguments
    try:
        config = project.config
    except ConfigInvalidError as error:
        for problem in error.problems:
            message = f"{problem.path}: {problem.message}"
            project.runner.annotate("error", message, file=problem.file, line=problem.line, title="lockgate.yml")
        raise
    warned = list(warnings(project))
    for told, file in warned:
        project.runner.annotate("warning", told, file=file, title="lockgate.yml")
    promises = {name: promise(environment, config.budgets) for name, environment in config.environments.items()}
    budgets = budget_words(config)
    message = f"{project.config_path.name} is valid: {_told(config)}."
    project.console.good(message)
    for name, words in promises.items():
        project.console.step(f"{name}: {words}")
    project.console.step(f"budgets: {', '.join(f'{key} {value}' for key, value in budgets.items())}")
    for told, _ in warned:
        project.console.warn(told)
    data: dict[str, Any] = {"environments": promises, "budgets": budgets, "warnings": [told for told, _ in warned]}
    return Result(
        "validate",
        Decision.PASSED,
        Reason.OK,
        message,
        service=config.service,
        data=data,
        summary=_summary(message, promises, [told for told, _ in warned]),
    )


def promise(environment: EnvironmentConfig, budgets: Budgets) -> str:
    """Say in one line what a rollout to this environment will do."""
    gate, strategy = environment.gate, environment.strategy
    steps = " -> ".join(f"{step}%" for step in strategy.steps)
    bake, least = format_duration(gate.bake), format_duration(round(shortest_rollout(environment, budgets), 1))
    words = [
        _place(environment.target),
        f"traffic {steps}" + (f" with {format_duration(strategy.pause)} pauses" if len(strategy.steps) > 1 else ""),
        f"a bake of {bake}, at least {least} in all",
        f"a healthy release fails at most {format_share(gate.alpha)} of the time, {_while(gate.minimum_span)}",
    ]
    if environment.integration.command:
        words.append("integration tests")
    if environment.approval is Approval.REQUIRED:
        words.append("a person approves first")
    return "; ".join(words)


def _while(span: float) -> str:
    """Say what errors the promise holds for, by the tables of docs/gates.md, "Bursts"."""
    bursts = f" or come in bursts of up to about {format_duration(span / _BURST)}" if span else ""
    return f"while errors are independent{bursts}"


def _place(target: TargetConfig) -> str:
    if target.kind is TargetKind.LOCAL:
        return f"{target.kind.value} on port {target.port}"
    return f"{target.kind.value} {target.app}"


def budget_words(config: Config) -> dict[str, str]:
    """Write each budget as people say it."""
    budgets = config.budgets
    return {
        "build": format_duration(budgets.build),
        "deploy": format_duration(budgets.deploy),
        "coverage": format_share(budgets.coverage),
        "image": format_size(budgets.image),
        "response": format_duration(budgets.response),
        "availability": format_share(budgets.availability),
    }


def _told(config: Config) -> str:
    if not config.environments:
        return f"service {config.service}, no environment yet, so it is tested, scanned and built only"
    return f"service {config.service}, environments {', '.join(config.environments)}"


def _summary(message: str, promises: dict[str, str], warned: list[str]) -> str:
    lines = [f"### ✓ {markdown.escape(message)}"]
    if promises:
        rows = [(markdown.code(name), markdown.escape(words)) for name, words in promises.items()]
        lines.append(markdown.table(("environment", "what a rollout does"), rows))
    if warned:
        lines.append("\n".join(f"- {markdown.escape(told)}" for told in warned))
    return "\n\n".join(lines)
