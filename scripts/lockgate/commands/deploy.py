"""`lockgate deploy ENVIRONMENT`: bring one release to one environment, blue-green, behind the gate."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.adapters import handover
from lockgate.commands import brought, dossiers, scan_gate
from lockgate.commands.approval import approve
from lockgate.commands.authors import served
from lockgate.commands.azure import hold_digest
from lockgate.commands.built import built_here
from lockgate.commands.freeze import check_open, read_override
from lockgate.commands.judging import FULL
from lockgate.commands.ledgers import check_outlives
from lockgate.commands.project import Project
from lockgate.commands.promotion import bring
from lockgate.commands.restore import join
from lockgate.commands.revive import make_whole
from lockgate.commands.rollouts import Rollouts, announce
from lockgate.commands.secret_values import secrets_of
from lockgate.core import fleet_plan
from lockgate.core.config import Approval, EnvironmentConfig
from lockgate.core.config_provenance import Attestations
from lockgate.core.fleet_plan import Waves
from lockgate.core.ledger import Lease
from lockgate.core.reasons import Decision, Outcome
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.result import Result
from lockgate.errors import (
    ArtifactMismatchError,
    ReleaseRefusedError,
    UnfinishedRolloutError,
    UsageError,
)

if TYPE_CHECKING:
    from lockgate.commands.fleets import Fleets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="the environment, as named in lockgate.yml")
    parser.add_argument("--image", help="the artifact, by digest (default: what `lockgate build` made here last)")
    parser.add_argument("--artifact", help="the folder that `lockgate build --output` wrote, on another machine")
    parser.add_argument("--scan", metavar="DIR", help="the folder that `lockgate scan --image --output` wrote")
    parser.add_argument("--version", help="what people call this release (default: as built)")
    parser.add_argument("--approve", action="store_true", help="you are the one who approves")
    parser.add_argument("--override", metavar="REASON", help="deploy in spite of a freeze or a hold; it is recorded")
    parser.add_argument("--targets", metavar="A,B", help="only these of the environment's targets: see docs/fleets.md")
    parser.add_argument("--again", action="store_true", help="deploy a digest that was rolled back here before")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Deploy; the result's decision is the rollout's outcome."""
    started = project.clock.monotonic()
    name = arguments.environment or project.runner.input("environment")
    if not name:
        raise UsageError("lockgate deploy: which environment?", fix="For example: lockgate deploy staging")
    environment = project.environment(name)
    check_outlives(project, environment)
    waves = chosen_waves(environment, arguments.targets or project.runner.input("targets"))
    release = find_release(project, arguments)
    coming = announce(project, environment)
    scanned = _folder(arguments.scan or project.runner.input("scan"))
    known = dossiers.find(project, release, artifact_folder(project, arguments))
    signed = _signed(project, release, scanned)
    dossier = replace(known, provenance=signed).to_dict() if known else None
    rollouts = Rollouts(project, environment, secrets_of(project, environment), dossier=dossier, coming=coming)
    scan = scan_gate.check(rollouts, release, scanned)
    rollouts.carried = {**scan, **brought.change(rollouts, release)}
    record = fleet_plan.record_name(environment, waves) if waves else name
    if not arguments.again and rollouts.ledger.rolled_back(rollouts.service, record, release.artifact.digest):
        raise ReleaseRefusedError(
            f"{release.version} ({release.artifact.short}) was rolled back in {record} before.",
            why="The same digest behaves the same way.",
            fix="Ship a fix, or pass --again if what was wrong lay outside the release.",
        )
    override = read_override(arguments.override, project.runner.input("override"))
    check_open(rollouts, override)
    # Last of the checks, because it signs in; and before a person is asked about what may not be there.
    hold_digest(project, environment, release.artifact)
    given = arguments.approve or bool(project.runner.input("approve"))
    by_another = environment.approval is Approval.REQUIRED
    replaced = served(rollouts.ledger, rollouts.service, environment) if by_another else ()
    approval = approve(project, environment, release, given=given, replaced=replaced)
    release = bring(project, environment, release)
    if waves:
        fleets, check = _fleets(rollouts), partial(check_open, rollouts, override)
        return ship_fleet(fleets, "deploy", release, waves, approval=approval, check=check)
    waited = project.clock.monotonic()
    with rollouts.lease() as lease:
        _make_ready(rollouts, lease)
        # Once more: an approval may take days.
        needed = check_open(rollouts, override)
        plan = rollouts.plan(release, steps=environment.strategy.steps, approval=approval, override=needed)
        interpreter = rollouts.engine(lease, plan.rollout)
        state = interpreter.start(plan, project.runner.run_url)
        # Waiting for a person is nobody's budget.
        seconds = project.clock.monotonic() - waited + (0.0 if approval else waited - started)
        return rollouts.result("deploy", state, interpreter, seconds)


def _make_ready(rollouts: Rollouts, lease: Lease) -> None:
    """End what an earlier rollout left, and make room; raise UnfinishedRolloutError where that cannot be done."""
    before = [state for state, _ in make_whole(rollouts, lease)][-1:]
    # Where what should serve cannot even be started, nobody is served, and a release that can may be the repair.
    if before and before[0].outcome is Outcome.BROKEN and before[0].preview:
        raise UnfinishedRolloutError(
            f"What was left in {rollouts.environment.name} could not be made whole: {before[0].message}.",
            fix="Look at what serves (`lockgate status`), repair it, then deploy again.",
        )
    join(rollouts)


def _fleets(rollouts: Rollouts) -> "Fleets":
    from lockgate.commands.fleets import Fleets  # noqa: PLC0415 - only where there are several targets

    return Fleets(
        rollouts.project,
        rollouts.environment,
        rollouts.secrets,
        dossier=rollouts.dossier,
        carried=rollouts.carried,
        coming=rollouts.coming,
    )


def chosen_waves(environment: EnvironmentConfig, targets: str | None) -> Waves:
    """Give the waves to ship, or none where the environment has a single target; raise UsageError."""
    only = [name.strip() for name in (targets or "").split(",") if name.strip()]
    if unknown := [name for name in only if name not in environment.targets]:
        known = ", ".join(environment.targets)
        raise UsageError(
            f"lockgate: {environment.name} has no target {', '.join(unknown)}.",
            fix=f"It has: {known}." if known else "It has a single target: leave --targets out.",
        )
    return fleet_plan.waves(environment, only) if environment.targets else ()


def ship_fleet(
    fleets: "Fleets", command: str, release: Release, waves: Waves, *, approval: str, check: Callable[[], str]
) -> Result:
    """End what was cut off in these targets, then ship to them; raise UnfinishedRolloutError.

    `check` looks once more, under the leases, whether anything is in the way, and gives the override for the record.
    """
    from lockgate.commands.fleet_recover import FleetRecovery  # noqa: PLC0415 - only where there are several targets

    for result in FleetRecovery(fleets).run(command, [name for wave in waves for name in wave]):
        if result.decision is Decision.BROKEN:
            raise UnfinishedRolloutError(
                f"What was left in {result.environment} could not be made whole: {result.message}.",
                fix="Look at what serves (`lockgate status`), repair it, then deploy again.",
            )
    # What is returned to was verified under full traffic before: no steps.
    steps = fleets.environment.strategy.steps if command == "deploy" else (FULL,)
    return fleets.deploy(command, release, waves, steps=steps, approval=approval, check=check)


def find_release(project: Project, arguments: argparse.Namespace, *, bring_in: bool = True) -> Release:
    """Find what to deploy: brought in a folder, named by digest, or built here last. Raise ArtifactMissingError."""
    folder = artifact_folder(project, arguments)
    named = arguments.image or project.runner.input("image")
    version = arguments.version or project.runner.input("version")
    if folder and (not named or handover.is_here(folder)):
        run, commit = project.runner.hosted.run_id, project.runner.commit
        release = handover.read(folder, project.config.service, run=run, commit=commit)
        if named and named != str(release.artifact):
            raise ArtifactMismatchError(
                f"{folder} holds {release.artifact}, and {named} was asked for.",
                why="What was built and what is deployed must be the same digest.",
            )
        if bring_in:
            _bring_in(project, folder, release.artifact)
    elif named:
        release = Release(project.config.service, project.version, project.commit, _parse(named))
    else:
        release = built_here(project)
    return replace(release, version=version or release.version)


def _signed(project: Project, release: Release, scanned: Path | None) -> Mapping[str, Any] | None:
    if project.config.provenance.attestations is Attestations.OFF:
        return None
    from lockgate.commands import provenance  # noqa: PLC0415 - half a megabyte, for those who want it

    return provenance.check(project, release, scanned)


def artifact_folder(project: Project, arguments: argparse.Namespace) -> Path | None:
    """Give the folder that came from the build job, if any."""
    return _folder(arguments.artifact or project.runner.input("artifact"))


def _folder(given: str | None) -> Path | None:
    return Path(given) if given else None


def _bring_in(project: Project, folder: Path, artifact: Artifact) -> None:
    """Take what came from the build job into this machine's store; its digest is checked on the way."""
    if artifact.kind is ArtifactKind.BUNDLE:
        from lockgate.adapters.bundle import BundleStore  # noqa: PLC0415 - where there is one to bring in

        BundleStore(project.state / "bundles").add(folder / handover.BUNDLE, artifact)
    elif (folder / handover.IMAGE).is_file():
        from lockgate.commands.containers import engine  # noqa: PLC0415

        engine(project).load(folder / handover.IMAGE, artifact)


def _parse(text: str) -> Artifact:
    try:
        return Artifact.parse(text)
    except ValueError as error:
        raise UsageError(f"lockgate deploy: {error}") from error
