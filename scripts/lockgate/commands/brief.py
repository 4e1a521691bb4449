"""`lockgate brief ENVIRONMENT`: what whoever approves should know, before being asked; and whether anybody will be."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.adapters import commits
from lockgate.commands import dossiers, scan_records, serving
from lockgate.commands.approval import before_asking, check_writers
from lockgate.commands.authors import served
from lockgate.commands.deploy import artifact_folder, find_release
from lockgate.commands.ledgers import check_outlives, open_ledger
from lockgate.commands.project import Project
from lockgate.commands.rollback import PREVIOUS, check_signed, choose
from lockgate.commands.scan_rules import exceptions
from lockgate.core import growth, scan_rules, scan_tables
from lockgate.core.brief import Brief, page
from lockgate.core.config import Approval, EnvironmentConfig
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Release
from lockgate.core.result import Result
from lockgate.core.rollout_model import Standing
from lockgate.core.scan_policy import judge
from lockgate.errors import LockgateError, StateError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="the environment, as named in lockgate.yml")
    parser.add_argument("--image", help="the artifact that waits, by digest (default: what was built here last)")
    parser.add_argument("--artifact", help="the folder that `lockgate build --output` wrote, with its dossier")
    parser.add_argument("--scan", metavar="DIR", help="the folder that `lockgate scan --image --output` wrote")
    parser.add_argument("--version", help="what people call the release (default: as built)")
    parser.add_argument(
        "--back", metavar="VERSION", help=f"of a rollback to this release; `{PREVIOUS}` for the one before"
    )


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Write the page to the job's summary; raise ApprovalUnverifiedError where nobody could approve."""
    name = arguments.environment or project.runner.input("environment")
    if not name:
        raise UsageError("lockgate brief: which environment?", fix="For example: lockgate brief production")
    environment = project.environment(name)
    # First of all: nobody should read and wait for an approval that could not count, or a deploy that is refused.
    check_outlives(project, environment)
    asked, reviewed = _asked(project, environment)
    standing = _standing(project, name)
    back = arguments.back or project.runner.input("ref")
    if back:
        release, choices = choose(project, environment, back)
        given = project.runner.input("override")
        override = check_signed(project, environment, release, given) if project.runner.in_actions else ""
        dossier = None
    else:
        release, choices, override = find_release(project, arguments, bring_in=False), [], ""
        dossier = dossiers.find(project, release, artifact_folder(project, arguments))
    if reviewed:
        _check_writers(project, environment, release, returns=bool(back))
    runs = standing.release.commit if standing else ""
    ends = (release.commit, runs) if back else (runs, release.commit)
    hosted, serves = project.runner.hosted, serving.dossier(project, name)
    brief = Brief(
        release,
        environment,
        asked,
        standing,
        commits.between(project.root, *ends, project.runner.bare_env()),
        choices,
        list(dossier.evidence.values()) if dossier else [],
        list(serves.get("evidence", {}).values()),
        _scanned(project, environment, release, arguments.scan or project.runner.input("scan")),
        _previous(project.runner.input("previous")),
        f"{hosted.server_url}/{hosted.repository}" if hosted.repository else "",
        growth.table(dossier.build, serves.get("build")) if dossier and dossier.build else "",
        override,
    )
    text = page(brief)
    project.console.show(text.splitlines())
    return _result(name, release, asked, text, reviewed)


def _result(name: str, release: Release, asked: str, text: str, reviewed: Mapping[str, Any]) -> Result:
    return Result(
        "brief",
        Decision.PASSED,
        Reason.OK,
        f"{release.service} {release.version} is ready for {name}, to be approved by {asked}",
        service=release.service,
        environment=name,
        version=release.version,
        commit=release.commit,
        image=str(release.artifact),
        data={"reviewed": reviewed} if reviewed else {},
        summary=text,
    )


def _asked(project: Project, environment: EnvironmentConfig) -> tuple[str, dict[str, Any]]:
    """Say who will be asked, and what was reviewed before; raise ApprovalUnverifiedError where GitHub asks nobody."""
    if environment.approval is Approval.NONE:
        return "nobody, as lockgate.yml says", {}
    if project.runner.in_act:
        return "nobody: act has no environments", {}
    if not project.runner.in_actions:
        return "whoever runs the deploy, in the terminal", {}
    reviewed = before_asking(project, environment)
    if environment.approval is Approval.REQUIRED:
        return "a reviewer of the environment who neither wrote the change nor started this run", reviewed
    return "a reviewer of the environment", reviewed


def _check_writers(project: Project, environment: EnvironmentConfig, release: Release, *, returns: bool) -> None:
    try:
        replaced = None if returns else served(open_ledger(project), release.service, environment)
    except StateError:
        return  # as in `_standing`
    check_writers(project, environment, release, replaced)


def _standing(project: Project, name: str) -> Standing | None:
    try:
        return open_ledger(project).standing(project.config.service, name)
    except StateError as error:
        # The page says less; the deploy itself will stop where it cannot read the ledger.
        project.console.warn(f"{name}: what runs now is not known: {error.what}")
        return None


def _scanned(project: Project, environment: EnvironmentConfig, release: Release, folder: str) -> list[str]:
    """Hold the scan of this digest against what runs, as the deploy will; nothing where one of them is not known."""
    try:
        record = scan_records.find(project, release.artifact, Path(folder) if folder else None)
        running = scan_records.running(open_ledger(project), release.service, environment)
        if record is None or running is None:
            return []
        verdict = judge(record.findings, scan_rules.policy(project.config.scan), exceptions(project), running)
    except LockgateError as error:
        # The deploy refuses what this page only cannot show.
        project.console.warn(f"{environment.name}: what the scan found is not shown: {error.what}")
        return []
    return scan_tables.parts(verdict, environment.name, running.since)


def _previous(text: str) -> Mapping[str, Any]:
    """Read the result that another job handed on: words from outside, shown and never obeyed."""
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
