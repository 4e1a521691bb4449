"""Get a person's yes before anything is changed, and never mistake silence for it.

On GitHub the environment's rules make a person decide, and the job starts after it. That there are such rules, and
that somebody did decide, is read back: a missing environment is created by GitHub without any rule, and asks nobody.
"""

import json
import sys
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from lockgate.adapters.github import approvals
from lockgate.adapters.github.client import GitHub
from lockgate.commands.authors import wrote
from lockgate.commands.github import open_github, settings_url
from lockgate.commands.project import Project
from lockgate.core import protection
from lockgate.core.config import Approval, EnvironmentConfig
from lockgate.core.release import Release
from lockgate.errors import ApprovalDeniedError, ApprovalUnverifiedError, GitHubError

_READ_SECONDS = 60.0
"""Nothing was changed yet: worth waiting longer for than a report is."""


def approve(
    project: Project,
    environment: EnvironmentConfig,
    release: Release,
    *,
    given: bool,
    replaced: Collection[str] | None,
) -> str:
    """Return how this rollout was approved, in words for the record. `replaced` is what `wrote` takes.

    Raise ApprovalDeniedError, or ApprovalUnverifiedError where nobody can be shown to have approved.
    """
    if environment.approval is Approval.NONE:
        return ""
    if project.runner.in_act:
        if given:
            return f"given on the command line by {project.runner.actor}"
        project.console.warn(f"{environment.name}: act has no environments, so nobody was asked for approval")
        return "nobody was asked: act has no environments"
    if project.runner.in_actions:
        # An input of a workflow is no person: it approves nothing where GitHub can ask one.
        return _read_back(project, environment, release, replaced)
    if given:
        return f"given on the command line by {project.runner.actor}"
    if not sys.stdin.isatty():
        raise ApprovalDeniedError(
            f"{environment.name} needs approval, and nobody can be asked here.",
            why="This is neither a terminal nor a GitHub job with an environment.",
            fix="Run it in a terminal, or pass --approve if you are the one who decides.",
        )
    return _ask(project, environment, release)


def check_rules(project: Project, environment: EnvironmentConfig) -> GitHub:
    """Make sure that somebody will be asked, or was; raise ApprovalUnverifiedError, which says what to switch on."""
    name = environment.name
    hub = open_github(project, seconds=_READ_SECONDS)
    if hub is None:
        raise ApprovalUnverifiedError(
            f"{name} needs approval, and whether GitHub asks anybody cannot be read.",
            why="This job has no token.",
            fix="Leave the action's input github-token at its default.",
        )
    try:
        rules = approvals.protection(hub, name)
    except GitHubError as error:
        raise _unreadable(name, "rules", error) from error
    found = protection.examine(rules, environment.approval, protected_ref=project.runner.protected_ref)
    missing = [one for one in found if not one.ok]
    if missing:
        steps = "\n".join(f"- {one.fix}" for one in missing)
        raise ApprovalUnverifiedError(
            f"{name} needs approval, and GitHub does not guard it: {'; '.join(one.text for one in missing)}.",
            why="Without these rules the job runs as soon as it can, from any branch, and nobody is asked.",
            fix=f"Under {settings_url(project, hub.repository)}, {name}:\n{steps}",
        )
    return hub


def before_asking(project: Project, environment: EnvironmentConfig) -> dict[str, Any]:
    """Check the rules as `check_rules` does; give what was reviewed already, for the job behind the gate.

    It comes to that job as its input `brief`, in the result of this one.
    """
    hub = check_rules(project, environment)
    try:
        run = approvals.run_of(hub, project.runner.hosted.run_id)
        said = approvals.reviews(hub, project.runner.hosted.run_id)
    except GitHubError as error:
        raise _unreadable(environment.name, "review", error) from error
    return protection.reviewed(said, environment.name, run.attempt).to_dict()


def check_writers(
    project: Project, environment: EnvironmentConfig, release: Release, replaced: Collection[str] | None
) -> None:
    """Make sure that it can be told whose approval would count; raise ApprovalUnverifiedError."""
    hub = open_github(project, seconds=_READ_SECONDS)
    if hub is None or environment.approval is Approval.NONE:
        return
    try:
        wrote(project, environment, hub, release, replaced)
    except GitHubError as error:
        raise _unreadable(environment.name, "authors", error) from error


def _before(project: Project) -> protection.Reviewed:
    """Read what the job before the gate saw; of a first attempt it is known without it."""
    try:
        told = json.loads(project.runner.input("brief"))["data"]["reviewed"]
    except (ValueError, RecursionError, KeyError, TypeError):
        told = None
    return protection.Reviewed.from_dict(told)


def _read_back(
    project: Project, environment: EnvironmentConfig, release: Release, replaced: Collection[str] | None
) -> str:
    hub = check_rules(project, environment)
    number = project.runner.hosted.run_id
    try:
        reviews = approvals.reviews(hub, number)
        run = approvals.run_of(hub, number)
        writers = wrote(project, environment, hub, release, replaced)
    except GitHubError as error:
        raise _unreadable(environment.name, "review", error) from error
    run = replace(run, involved=run.involved | writers)
    who, problem = protection.approver(reviews, environment.name, environment.approval, run, before=_before(project))
    if not who:
        raise ApprovalUnverifiedError(
            f"{environment.name}: nobody can be shown to have approved.",
            why=f"{problem}.",
            fix="Start a new run, or run all jobs of this one again, and have a reviewer approve it who neither wrote "
            "the change nor started the run.",
        )
    # GitHub's API has no time for a review; the job behind the gate began after it.
    return f"given on GitHub by {who}, before {project.clock.now():%Y-%m-%d %H:%M:%S} UTC"


def _unreadable(name: str, what: str, error: GitHubError) -> ApprovalUnverifiedError:
    return ApprovalUnverifiedError(
        f"{name} needs approval, and its {what} cannot be read back from GitHub.",
        why=f"{error.what} {error.why}".strip(),
        fix=error.fix or "Try again; and give the calling job `actions: read` if it does not have it.",
    )


def _ask(project: Project, environment: EnvironmentConfig, release: Release) -> str:
    project.console.step(f"{environment.name}: waiting for a person")
    question = f"Deploy {release.service} {release.version} ({release.artifact.short}) to {environment.name}? [y/N] "
    try:
        answer = input(question)
    except EOFError:
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise ApprovalDeniedError(f"{environment.name}: not approved. Nothing was changed.")
    return f"given in the terminal by {project.runner.actor}"
