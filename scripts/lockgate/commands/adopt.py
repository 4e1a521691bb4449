"""`lockgate adopt ENVIRONMENT`: judge what runs there, and record it as verified; it can then be returned to."""

import argparse

from lockgate.commands.judging import FULL
from lockgate.commands.ledgers import check_outlives
from lockgate.commands.project import Project
from lockgate.commands.rollouts import Rollouts, announce
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Release
from lockgate.core.result import Result
from lockgate.core.rollout_model import Kind
from lockgate.core.target import Revision
from lockgate.errors import NothingToAdoptError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="the environment, as named in lockgate.yml")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Watch what serves for the length of a bake; `deployed` means that it was healthy and is known from now on."""
    started = project.clock.monotonic()
    name = arguments.environment or project.runner.input("environment")
    if not name:
        raise UsageError("lockgate adopt: which environment?", fix="For example: lockgate adopt production")
    environment = project.environment(name)
    check_outlives(project, environment)
    rollouts = Rollouts(project, environment, coming=announce(project, environment))
    with rollouts.lease() as lease:
        rollouts.recover(lease)
        active = _what_serves(rollouts)
        standing = rollouts.ledger.standing(rollouts.service, name)
        if standing and standing.verified and standing.release.artifact.digest == active.digest:
            message = f"{name} serves {active.version}, which is known and verified: nothing to adopt"
            project.console.good(message)
            return Result("adopt", Decision.PASSED, Reason.OK, message, service=rollouts.service, environment=name)
        plan = rollouts.plan_for(active, _release(rollouts, active), Kind.ADOPT)
        engine = rollouts.engine(lease, plan.rollout)
        state = engine.start(plan, project.runner.run_url)
        return rollouts.result("adopt", state, engine, project.clock.monotonic() - started)


def _what_serves(rollouts: Rollouts) -> Revision:
    name = rollouts.environment.name
    active = rollouts.target.observe().active
    if active is None:
        raise NothingToAdoptError(
            f"Nothing serves in {name}.", fix=f"Deploy a release there with `lockgate deploy {name}`."
        )
    if active.weight != FULL:
        raise NothingToAdoptError(
            f"{active.version} has {active.weight} % of the traffic in {name}, and other revisions the rest.",
            why="What cannot be told apart cannot be judged.",
            fix="Give all traffic to the one that is to stay, then run `lockgate adopt` again.",
        )
    if not active.alive:
        raise NothingToAdoptError(
            f"{active.version} has the traffic in {name}, and does not run.",
            fix=f"Deploy a release with `lockgate deploy {name}`.",
        )
    return active


def _release(rollouts: Rollouts, active: Revision) -> Release:
    if active.artifact is None:
        raise NothingToAdoptError(
            f"The platform does not say what {active.version} in {rollouts.environment.name} was started from.",
            why="A release that cannot be named by its digest could not be returned to.",
            fix="Have the platform run it by its digest (NAME@sha256:...), then run `lockgate adopt` again.",
        )
    return Release(rollouts.service, active.version, active.commit, active.artifact)
