"""The repository on GitHub, where there is one and somebody may speak for this process."""

from lockgate.adapters import process, repository
from lockgate.adapters.github.client import GitHub
from lockgate.commands.project import Project

_GH_SECONDS = 10.0


def open_github(project: Project, *, seconds: float = 30.0, token: str = "") -> GitHub | None:
    """Open the repository's door; None where there is no token or no repository, such as under act."""
    hosted = project.runner.hosted
    token = token or project.runner.github_token
    if not token or not hosted.repository:
        return None
    return GitHub(token, hosted.repository, hosted.api_url, project.clock, seconds=seconds, hide=project.hide)


def open_from_laptop(project: Project, *, token: str = "") -> GitHub | None:
    """Open the door as a person would: by GH_TOKEN or the `gh` program, for the checkout's own origin."""
    hosted = project.runner.hosted
    token = token or project.runner.github_token or _said(project, "gh", "auth", "token")
    name = repository_name(project)
    return GitHub(token, name, hosted.api_url, project.clock, hide=project.hide) if token and name else None


def repository_name(project: Project) -> str:
    """Give the repository on GitHub as OWNER/NAME: this run's, or the checkout's own origin; "" where there is none."""
    origin = _said(project, "git", "-C", str(project.root), "remote", "get-url", "origin")
    return project.runner.hosted.repository or repository.github_name(origin)


def settings_url(project: Project, name: str) -> str:
    """Give the page on which a repository's environments are configured."""
    return f"{project.runner.hosted.server_url}/{name}/settings/environments"


def _said(project: Project, *command: str) -> str:
    try:
        done = process.run(list(command), cwd=project.root, env=project.runner.bare_env(), timeout=_GH_SECONDS)
    except OSError:
        return ""
    return done.tail.strip() if done.code == 0 else ""
