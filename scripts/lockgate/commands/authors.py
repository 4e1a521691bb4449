"""Who wrote the change that waits for approval: none of them may be the one who approves it."""

from collections.abc import Collection

from lockgate.adapters.github import authors
from lockgate.adapters.github.client import GitHub
from lockgate.commands.project import Project
from lockgate.core.config import Approval, EnvironmentConfig
from lockgate.core.ledger import Ledger
from lockgate.core.protection import Writers
from lockgate.core.release import Release
from lockgate.errors import ApprovalUnverifiedError, GitHubError, GitHubRefusedError

_NAMED = 3
_NOT_THERE = (404, 422)
_ANYBODY = "say `approval: any-reviewer` in lockgate.yml if whoever wrote the change may approve it"


def served(ledger: Ledger, service: str, environment: EnvironmentConfig) -> frozenset[str]:
    """Give the commits of what serves in an environment, in all its targets; raise StateError."""
    names = [f"{environment.name}/{member}" for member in environment.targets] or [environment.name]
    found = [ledger.standing(service, name) for name in names]
    return frozenset(one.release.commit for one in found if one and one.release.commit)


def wrote(
    project: Project, environment: EnvironmentConfig, hub: GitHub, release: Release, replaced: Collection[str] | None
) -> frozenset[str]:
    """Give the logins of who wrote or committed what a release changes; nobody where that does not matter.

    `replaced` are the commits of what serves there; None for a rollback, which brings nothing that was not approved
    before. Raise ApprovalUnverifiedError where it cannot be known, GitHubError.
    """
    if environment.approval is not Approval.REQUIRED:
        return frozenset()
    if replaced is None:
        return _returned_to(project, environment, hub, release)
    heads = sorted({release.commit, project.runner.commit} - {""})
    found = [authors.of(hub, head) for head in heads]
    if not replaced:
        project.console.warn(
            f"{environment.name}: nothing that names a commit serves there, so of this change only the last commit is "
            "held against who approves"
        )
    found += [_between(environment, hub, old, head) for head in heads for old in sorted(replaced) if old != head]
    _refuse_unknown(environment, found)
    return frozenset[str]().union(*(one.logins for one in found))


def _returned_to(project: Project, environment: EnvironmentConfig, hub: GitHub, release: Release) -> frozenset[str]:
    """What was approved and verified before must stay in reach, also where nobody can be named for it."""
    try:
        found = authors.of(hub, release.commit) if release.commit else Writers(unknown=("",))
    except GitHubRefusedError as error:
        if error.status not in _NOT_THERE:
            raise
        found = Writers(unknown=(release.commit,))
    if found.unknown:
        project.console.warn(f"{environment.name}: who wrote {release.version} is not known to GitHub; going on")
    return found.logins


def _between(environment: EnvironmentConfig, hub: GitHub, old: str, new: str) -> Writers:
    try:
        return authors.between(hub, old, new)
    except GitHubError as error:
        raise ApprovalUnverifiedError(
            f"{environment.name} needs approval by somebody who did not write the change, and who wrote it since "
            f"{old[:12]}, which serves there, cannot be read from GitHub.",
            why=f"{error.what} {error.why}".strip(),
            fix=error.fix or f"Try again. Where GitHub no longer has that commit, or too many lie between: {_ANYBODY}.",
        ) from error


def _refuse_unknown(environment: EnvironmentConfig, found: Collection[Writers]) -> None:
    unknown = list(dict.fromkeys(sha for one in found for sha in one.unknown))
    if not found or unknown:
        named = ", ".join(sha[:12] for sha in unknown[:_NAMED]) or "a release without a commit"
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise ApprovalUnverifiedError(
            f"{environment.name} needs approval by somebody who did not write the change, and who did is not known.",
            why=f"GitHub knows no account for the author or the committer of {named}{more}.",
            fix="Whoever wrote it adds the address that the commit names to their account, under Settings, Emails; it "
            f"counts for commits that are there, too. Or {_ANYBODY}.",
        )
