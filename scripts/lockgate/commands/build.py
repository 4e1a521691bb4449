"""`lockgate build`: one immutable artifact, named by its digest, within its budgets."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.adapters import handover
from lockgate.adapters.engine_cli import Engine, detect
from lockgate.commands import dossiers, serving
from lockgate.commands.build_bundle import build_bundle
from lockgate.commands.build_image import build_image
from lockgate.commands.build_task import Built, Task, TimeBudget, megabytes
from lockgate.commands.project import Project
from lockgate.core import growth, markdown
from lockgate.core.config import BuilderKind
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Release
from lockgate.core.result import BudgetLine, Result, Seconds
from lockgate.errors import BuilderMissingError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to hand the artifact over, and a builder other than the config's."""
    kinds = [str(kind) for kind in BuilderKind]
    parser.add_argument("--output", metavar="DIR", help="also write there what has to travel to the job that deploys")
    parser.add_argument("--kind", choices=kinds, help="build with this, whatever the config says")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Choose a builder, build, hand over, hold to the budgets."""
    config = project.config
    budget = TimeBudget(project.clock, config.budgets.build)
    output = arguments.output or project.runner.input("output")
    task = Task(project, budget, handover.open_directory(Path(output).absolute()) if output else None)
    kind = _kind(arguments.kind or project.runner.input("kind") or config.build.kind)
    built = _in_azure(task) if kind is BuilderKind.ACR else _here(task, kind)
    budget.hold()
    release = Release(config.service, project.version, project.commit, built.artifact)
    if task.output:
        handover.write(task.output, release, built.size, run=project.runner.hosted.run_id)
    total = budget.used
    budgets = (
        BudgetLine("build", budget.limit, round(total, 3), "s", kept=True),
        BudgetLine("image", config.budgets.image, built.size, "bytes", kept=True),
    )
    how = {**_how(task, built), "budgets": [line.to_dict() for line in budgets]}
    dossiers.begin(project, release, how, task.output)
    message = f"Built {built.artifact}: {megabytes(built.size)}, {built.parts}, in {total:.1f} s."
    project.console.good(message)
    return Result(
        "build",
        Decision.PASSED,
        Reason.OK,
        message,
        service=release.service,
        version=release.version,
        commit=release.commit,
        image=str(built.artifact),
        seconds=Seconds(total=total, tool=budget.tool),
        budgets=budgets,
        data={**built.data, "largest": [{"name": name, "size": size} for name, size in built.largest]},
        summary=f"### ✓ {markdown.escape(message)}\n\n{growth.table(how, serving.build(project))}",
    )


def _kind(named: str) -> BuilderKind:
    try:
        return BuilderKind(named)
    except ValueError as error:
        known = ", ".join(BuilderKind)
        raise UsageError(f'lockgate build: there is no builder "{named}".', fix=f"There are: {known}.") from error


def _how(task: Task, built: Built) -> Mapping[str, Any]:
    return {
        "builder": built.data["builder"],
        "size": built.size,
        "epoch": task.epoch,
        "base": list(built.base),
        "parts": [{"name": name, "size": size} for name, size in built.largest],
    }


def _here(task: Task, kind: BuilderKind) -> Built:
    engine = _choose(task, kind)
    return build_image(task, engine) if engine else build_bundle(task)


def _in_azure(task: Task) -> Built:
    from lockgate.commands.build_acr import build_acr  # noqa: PLC0415 - Azure's clients, where they are wanted

    return build_acr(task)


def _choose(task: Task, kind: BuilderKind) -> Engine | None:
    """Find the engine to build with; None is a bundle. `auto` says what it passes over."""
    console, env = task.project.console, task.project.runner.child_env()
    if kind is BuilderKind.BUNDLE:
        return None
    if kind is not BuilderKind.AUTO:
        return detect(kind, env, to_build=True)
    if not (task.context / task.config.dockerfile).is_file():
        console.step(f"there is no {task.config.dockerfile}: building a bundle")
        return None
    for candidate in (BuilderKind.DOCKER, BuilderKind.PODMAN):
        try:
            return detect(candidate, env, to_build=True)
        except BuilderMissingError as error:
            console.step(error.what)
    console.step("no container engine works here: building a bundle")
    return None
