"""`lockgate plan ENVIRONMENT`: what a deploy would change and do, or the matrix for its targets. Changes nothing."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate.commands.deploy import chosen_waves, find_release
from lockgate.commands.project import Project
from lockgate.commands.promotion import registries
from lockgate.commands.rollouts import Rollouts
from lockgate.commands.secret_values import in_vault
from lockgate.core import deploy_plan, fleet_plan, outlook
from lockgate.core.config import EnvironmentConfig
from lockgate.core.deploy_plan import Place
from lockgate.core.fleet_plan import Waves
from lockgate.core.quantities import format_duration
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Release
from lockgate.core.result import Result
from lockgate.errors import UsageError

SHARD_SIZE = 100
"""Targets one runner ships well: measured by bench/fleet.py."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="the environment, as named in lockgate.yml")
    parser.add_argument("--image", help="the artifact, by digest (default: what `lockgate build` made here last)")
    parser.add_argument("--artifact", help="the folder that `lockgate build --output` wrote, on another machine")
    parser.add_argument("--version", help="what people call this release (default: as built)")
    parser.add_argument("--targets", metavar="A,B", help="only these of the environment's targets")
    parser.add_argument("--matrix", action="store_true", help="print the JSON of a GitHub job's strategy.matrix")
    parser.add_argument("--wave", type=int, metavar="N", help="with --matrix: only this wave's jobs")
    parser.add_argument(
        "--shard-size", type=int, default=SHARD_SIZE, help=f"targets for each job of the matrix (default: {SHARD_SIZE})"
    )


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Print the plan; the JSON form is in `data`. Raise DriftError as a deploy would."""
    name = arguments.environment or project.runner.input("environment")
    if not name:
        raise UsageError("lockgate plan: which environment?", fix="For example: lockgate plan production")
    environment = project.environment(name)
    waves = chosen_waves(environment, arguments.targets or project.runner.input("targets"))
    if arguments.matrix:
        return _matrix(project, environment, waves, arguments)
    release = find_release(project, arguments)
    places = [_foretold(project, place, release) for place in _places(environment, waves)]
    data = deploy_plan.data(project.config, environment, release, waves, places)
    _show(project, environment, release, data)
    return Result(
        "plan",
        Decision.PASSED,
        Reason.OK,
        "",
        service=project.config.service,
        environment=name,
        version=release.version,
        commit=release.commit,
        image=str(release.artifact),
        data=data,
    )


def _foretold(project: Project, place: EnvironmentConfig, release: Release) -> Place:
    """Ask one target what a deploy would change. The values of secrets are not needed for that, and not read."""
    unread = {name: "" for name in project.config.secrets if not in_vault(project, place, name)}
    rollouts = Rollouts(project, place, unread)
    plan = rollouts.plan(release, steps=place.strategy.steps, approval="")
    target = rollouts.target
    changes = outlook.traffic_and_image(target.observe(), release, plan.steps)
    built_in, pulled_from = registries(place, release)
    if built_in != pulled_from:
        changes.append(outlook.Change("registry", built_in, f"imported into {pulled_from}, by the digest"))
    more = target.outlook(release) if isinstance(target, outlook.Foretelling) else outlook.Outlook()
    return Place(place.name, plan.baseline, replace(more, changes=(*changes, *more.changes)))


def _places(environment: EnvironmentConfig, waves: Waves) -> list[EnvironmentConfig]:
    return [fleet_plan.member(environment, name) for wave in waves for name in wave] or [environment]


def _matrix(project: Project, environment: EnvironmentConfig, waves: Waves, arguments: argparse.Namespace) -> Result:
    if not waves:
        raise UsageError(
            f"lockgate plan: {environment.name} has a single target, so there is nothing to spread over jobs.",
            fix="List its targets in lockgate.yml: see docs/fleets.md.",
        )
    if arguments.shard_size < 1:
        raise UsageError(f"lockgate plan: --shard-size is at least 1, not {arguments.shard_size}")
    if arguments.wave is not None and not 1 <= arguments.wave <= len(waves):
        raise UsageError(f"lockgate plan: --wave is 1 to {len(waves)}, not {arguments.wave}")
    jobs = [job for job in fleet_plan.shards(waves, arguments.shard_size) if arguments.wave in {None, job["wave"]}]
    if len(jobs) > fleet_plan.MOST_JOBS:
        raise UsageError(
            f"lockgate plan: {len(jobs)} jobs are more than a GitHub matrix may have ({fleet_plan.MOST_JOBS}).",
            fix="Give each job more targets with --shard-size, or print one wave at a time with --wave.",
        )
    matrix = {"include": jobs}
    if not arguments.json:
        print(json.dumps(matrix))
    service = project.config.service
    return Result(
        "plan", Decision.PASSED, Reason.OK, "", service=service, environment=environment.name, data={"matrix": matrix}
    )


def _show(project: Project, environment: EnvironmentConfig, release: Release, data: Mapping[str, Any]) -> None:
    console, budget = project.console, project.config.budgets.deploy
    each = " to each target" if data["waves"] else ""
    console.step(f"{environment.name}: a deploy of {release.version} ({release.artifact.short}) does this{each}:")
    console.table("", ["", "what", "takes"], [[str(n), *one.values()] for n, one in enumerate(data["stages"], 1)])
    for target in data["targets"]:
        console.table("", [target["name"], "now", "then"], [list(change.values()) for change in target["changes"]])
        for note in target["notes"]:
            console.warn(f"{target['name']}: {note}")
        console.step(
            f"{target['name']}: goes back to {target['baseline'] or 'nothing: no verified release runs there'}"
        )
    for number, wave in enumerate(data["waves"], 1):
        console.step(f"wave {number}: {', '.join(wave)} ({environment.concurrency} at a time)")
    shortest = format_duration(data["shortest_seconds"])
    per = " for each wave" if data["waves"] else ""
    console.good(
        f"at least {shortest} in all, starting and draining not counted; {format_duration(budget)}{per} allowed"
    )
