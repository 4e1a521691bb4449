"""`lockgate stop ENVIRONMENT`: end what runs there on this machine. For a laptop that is done with trying it out."""

import argparse

from lockgate.adapters.local.target import LocalTarget
from lockgate.commands.project import Project
from lockgate.commands.rollouts import Rollouts
from lockgate.core import fleet_plan
from lockgate.core.config_target import TargetKind
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="only this environment (default: all of them)")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """End the proxy and every revision; users get no answer afterwards. Waits for nobody's rollout: raises instead."""
    names = [arguments.environment] if arguments.environment else list(project.config.environments)
    places = [place for name in names for place in fleet_plan.members(project.environment(name))]
    elsewhere = [place.name for place in places if place.target.kind is not TargetKind.LOCAL]
    if arguments.environment and elsewhere:
        raise UsageError(
            f"lockgate stop: {arguments.environment} does not run on this machine.",
            why="This command ends what a laptop has tried out; users of a platform would be left without an answer.",
            fix="Stop the app with the platform's own tools if that is really wanted.",
        )
    for name in elsewhere:
        project.console.step(f"{name}: does not run on this machine; left alone")
    for place in [place for place in places if place.name not in elsewhere]:
        rollouts = Rollouts(project, place)
        with rollouts.lease():
            if isinstance(target := rollouts.target, LocalTarget):
                target.shutdown()
        project.console.good(f"{place.name}: nothing runs any more")
    message = f"stopped: {', '.join(name for name in names if name not in elsewhere) or 'nothing'}"
    return Result("stop", Decision.PASSED, Reason.OK, message, service=project.config.service)
