"""`lockgate recover`: finish or undo a rollout whose process died, and bring up again what should serve and does not.

Running it twice changes nothing.
"""

import argparse

from lockgate.commands.fleet_recover import FleetRecovery
from lockgate.commands.fleets import Fleets
from lockgate.commands.ledgers import check_outlives
from lockgate.commands.project import Project
from lockgate.commands.revive import is_whole, make_whole
from lockgate.commands.rollouts import Rollouts
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="only this environment (default: all of them)")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Recover every environment, or one; `passed` where nothing is left half done."""
    started = project.clock.monotonic()
    name = arguments.environment or project.runner.input("environment")
    names = [name] if name else list(project.config.environments)
    check_outlives(project, *map(project.environment, names))
    recovered: list[Result] = []
    whole: list[str] = []
    for each in names:
        environment = project.environment(each)
        if environment.targets:
            found_here = FleetRecovery(Fleets(project, environment), patient=True).run("recover")
            if not found_here:
                project.console.good(f"{each}: nothing to recover")
            recovered += found_here
            continue
        rollouts = Rollouts(project, environment)
        if is_whole(rollouts):
            project.console.good(f"{each}: nothing to recover")
            continue
        with rollouts.lease(patient=True) as lease:
            # Looked at again under the lease: whoever held it may have finished. The last one is how it stands now.
            done = make_whole(rollouts, lease)
            whole += [] if done else [each]
            for state, engine in done[-1:]:
                recovered.append(rollouts.result("recover", state, engine, project.clock.monotonic() - started))
    if not recovered:
        message = f"{', '.join(whole)}: whole again" if whole else "nothing to recover"
        return Result("recover", Decision.PASSED, Reason.OK, message, service=project.config.service)
    worst = next((r for r in recovered if r.decision is Decision.BROKEN), recovered[0])
    if worst.decision is Decision.BROKEN:
        return worst
    message = "; ".join(f"{r.environment}: {r.decision.value}: {r.message}" for r in recovered)
    return Result(
        "recover",
        Decision.PASSED,
        Reason.OK,
        message,
        service=project.config.service,
        environment=worst.environment,
        url=worst.url,
        seconds=worst.seconds,
        data={"recovered": [r.to_dict() for r in recovered]},
        summary="\n\n".join(r.summary for r in recovered),
    )
