"""`lockgate stop ENVIRONMENT`: end what runs there on this machine. For a laptop that is done with trying it out."""

import argparse

from lockgate.adapters.local.target import LocalTarget
from lockgate.commands.project import Project
from lockgate.commands.rollouts import Rollouts
from lockgate.core import fleet_plan
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="only this environment (default: all of them)")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """End the proxy and every revision; users get no answer afterwards. Waits for nobody's rollout: raises instead."""
    names = [arguments.environment] if arguments.environment else list(project.config.environments)
    for place in [place for name in names for place in fleet_plan.members(project.environment(name))]:
        rollouts = Rollouts(project, place)
        with rollouts.lease():
            if isinstance(target := rollouts.target, LocalTarget):
                target.shutdown()
        project.console.good(f"{place.name}: nothing runs any more")
    message = f"stopped: {', '.join(names)}"
    return Result("stop", Decision.PASSED, Reason.OK, message, service=project.config.service)
