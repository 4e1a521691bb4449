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
from lockgate.errors import InterruptedByUserError, LockgateError


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
    failed: list[LockgateError] = []
    for each in names:
        try:
            found = _recover(project, each, started)
        except InterruptedByUserError:
            raise
        except LockgateError as error:
            # The others do not wait until somebody has put this one right.
            failed.append(error)
            if each != names[-1]:
                project.console.bad(f"{each}: {error.what}")
            continue
        recovered += found or []
        whole += [each] if found == [] else []
    if failed:
        raise failed[0]
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


def _recover(project: Project, name: str, started: float) -> list[Result] | None:
    """Give how what was found ended, nothing where it needed no rollout; None where nothing was found."""
    environment = project.environment(name)
    if environment.targets:
        found = FleetRecovery(Fleets(project, environment), patient=True).run("recover")
        if found:
            return found
    elif not is_whole(rollouts := Rollouts(project, environment)):
        with rollouts.lease(patient=True) as lease:
            # Looked at again under the lease: whoever held it may have finished. The last one is how it stands now.
            done = make_whole(rollouts, lease)[-1:]
            seconds = project.clock.monotonic() - started
            return [rollouts.result("recover", state, engine, seconds) for state, engine in done]
    project.console.good(f"{name}: nothing to recover")
    return None
