"""`lockgate rollback ENVIRONMENT`: return to the verified release before this one, through the same gate."""

import argparse
import re

from lockgate.commands.approval import approve
from lockgate.commands.azure import hold_digest
from lockgate.commands.deploy import ship_fleet
from lockgate.commands.fleets import Fleets
from lockgate.commands.freeze import read_override
from lockgate.commands.judging import FULL
from lockgate.commands.ledgers import check_outlives
from lockgate.commands.project import Project
from lockgate.commands.restore import join
from lockgate.commands.revive import make_whole
from lockgate.commands.rollouts import Rollouts, announce
from lockgate.commands.secret_values import secrets_of
from lockgate.core import fleet_plan
from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_provenance import Attestations
from lockgate.core.metrics import ROLLBACK
from lockgate.core.release import Release
from lockgate.core.result import Result
from lockgate.core.rollout_model import Standing
from lockgate.errors import AzureUnavailableError, GitHubError, NothingToRollBackError, StageError, UsageError

PREVIOUS = "previous"
_TO = f"the release to return to, or `{PREVIOUS}-2` for the second before this one (default: `{PREVIOUS}`)"
_BACK = re.compile(rf"{PREVIOUS}(?:-([1-9]\d?))?")
_CARRIED = {"change": {"kind": ROLLBACK}}
"""It brings no change: what it replaces is the one that failed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="the environment, as named in lockgate.yml")
    parser.add_argument("--to", metavar="VERSION", help=_TO)
    parser.add_argument("--approve", action="store_true", help="you are the one who approves")
    parser.add_argument("--override", metavar="REASON", help="return to what nobody signed for; it is recorded")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Deploy an earlier verified release again; `deployed` means that it serves and was judged healthy."""
    started = project.clock.monotonic()
    name = arguments.environment or project.runner.input("environment")
    if not name:
        raise UsageError("lockgate rollback: which environment?", fix="For example: lockgate rollback production")
    environment = project.environment(name)
    check_outlives(project, environment)
    given = arguments.approve or bool(project.runner.input("approve"))
    version = arguments.to or project.runner.input("ref")
    override = read_override(arguments.override, project.runner.input("override"), "rollback")
    if environment.targets:
        fleets = Fleets(project, environment, secrets_of(project, environment), carried=_CARRIED)
        release = _only(_for_all(fleets), version, name).release
        needed = check_signed(project, environment, release, override)
        _still_there(project, environment, release)
        approval = approve(project, environment, release, given=given, replaced=None)
        waves = fleet_plan.waves(environment)
        return ship_fleet(fleets, "rollback", release, waves, approval=approval, check=lambda: needed)
    coming = announce(project, environment)
    rollouts = Rollouts(project, environment, secrets_of(project, environment), carried=_CARRIED, coming=coming)
    release = _only(_others(rollouts), version, name).release
    needed = check_signed(project, environment, release, override)
    _still_there(project, environment, release)
    approval = approve(project, environment, release, given=given, replaced=None)
    with rollouts.lease() as lease:
        make_whole(rollouts, lease)
        join(rollouts)
        # One step: what we return to was verified under full traffic before.
        plan = rollouts.plan(release, steps=(FULL,), approval=approval, override=needed)
        engine = rollouts.engine(lease, plan.rollout)
        state = engine.start(plan, project.runner.run_url)
        return rollouts.result("rollback", state, engine, project.clock.monotonic() - started)


def check_signed(project: Project, environment: EnvironmentConfig, release: Release, override: str) -> str:
    """Verify who signed for what is returned to, as a deploy does; give the override where one was needed.

    The ledger names the release, and may have been written by somebody else. Raise what `provenance.check` raises where
    there is no override: whoever must go back now says why, and can.
    """
    if project.config.provenance.attestations is Attestations.OFF:
        return ""
    from lockgate.commands import provenance  # noqa: PLC0415 - half a megabyte, for those who want it

    try:
        provenance.check(project, release, None)
    except (StageError, GitHubError) as error:
        if not override:
            now = f'If it cannot wait, say why: lockgate rollback {environment.name} --override "REASON".'
            error.fix = f"{error.fix} {now}".strip()
            raise
        project.console.warn(f"{error.what} Overridden: {override}")
        return override
    return ""


def _still_there(project: Project, environment: EnvironmentConfig, release: Release) -> None:
    """Hold the digest before anybody is asked; a registry that does not answer must not stand in the way back."""
    try:
        hold_digest(project, environment, release.artifact)
    except AzureUnavailableError as error:
        project.console.warn(f"{error.what} {release.artifact.short} is not known to be there; going on")


def choose(project: Project, environment: EnvironmentConfig, version: str) -> tuple[Release, list[str]]:
    """Give the release that a rollback would return to, and all that it could; raise NothingToRollBackError."""
    several = bool(environment.targets)
    others = _for_all(Fleets(project, environment)) if several else _others(Rollouts(project, environment))
    return _only(others, version, environment.name).release, [one.release.version for one in others]


def _others(rollouts: Rollouts) -> list[Standing]:
    """Find the releases to return to: verified, and not what serves."""
    ledger, service, name = rollouts.ledger, rollouts.service, rollouts.environment.name
    verified = ledger.verified(service, name)
    serving = ledger.standing(service, name)
    return [s for s in verified if serving is None or s.release.artifact.digest != serving.release.artifact.digest]


def _for_all(fleets: Fleets) -> list[Standing]:
    """Find the releases that every target can return to, and that not every one serves."""
    ledger, service = fleets.ledger, fleets.service
    names = [fleets.name_of(name) for name in fleets.environment.targets]
    verified = [ledger.verified(service, name) for name in names]
    in_all = set.intersection(*({s.release.artifact.digest for s in each} for each in verified))
    serving = {standing.release.artifact.digest if standing else "" for standing in _serving(fleets, names)}
    return [s for s in verified[0] if s.release.artifact.digest in in_all and serving != {s.release.artifact.digest}]


def _serving(fleets: Fleets, names: list[str]) -> list[Standing | None]:
    return [fleets.ledger.standing(fleets.service, name) for name in names]


def _only(others: list[Standing], wanted: str, name: str) -> Standing:
    """Choose by version, by artifact, or by how many verified releases it lies back."""
    back = _BACK.fullmatch(wanted or PREVIOUS)
    number = int(back[1] or 1) if back else 0
    fitting = others[number - 1 :] if back else [s for s in others if wanted in _names(s)]
    if not fitting:
        known = ", ".join(s.release.version for s in others)
        raise NothingToRollBackError(
            f"{name} has no earlier verified release{f' called {wanted}' if wanted else ''}.",
            why=f"Verified before: {known}." if known else "Only releases that a gate judged healthy are returned to.",
            fix="Deploy a release with `lockgate deploy`.",
        )
    return fitting[0]


def _names(standing: Standing) -> tuple[str, str]:
    return standing.release.version, str(standing.release.artifact)
