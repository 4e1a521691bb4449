"""Get a person's yes before anything is changed, and never mistake silence for it."""

import sys

from lockgate.commands.project import Project
from lockgate.core.config import Approval, EnvironmentConfig
from lockgate.core.release import Release
from lockgate.errors import ApprovalDeniedError


def approve(project: Project, environment: EnvironmentConfig, release: Release, *, given: bool) -> str:
    """Return how this rollout was approved, in words for the record; raise ApprovalDeniedError."""
    if environment.approval is Approval.NONE:
        return ""
    if given:
        return f"given on the command line by {project.runner.actor}"
    if project.runner.in_act:
        project.console.warn(f"{environment.name}: act has no environments, so nobody was asked for approval")
        return "nobody was asked: act has no environments"
    if project.runner.in_actions:
        # The job only runs after GitHub's own gate. That the gate has reviewers is not read back in this version.
        return "left to the GitHub environment's protection rules; Lockgate did not read them back"
    if not sys.stdin.isatty():
        raise ApprovalDeniedError(
            f"{environment.name} needs approval, and nobody can be asked here.",
            why="This is neither a terminal nor a GitHub job with an environment.",
            fix="Run it in a terminal, or pass --approve if you are the one who decides.",
        )
    return _ask(project, environment, release)


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
