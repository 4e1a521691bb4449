"""Who is told about the rollouts of an environment."""

from lockgate.commands.github_audience import on_github
from lockgate.commands.project import Project
from lockgate.commands.reporting import Audience
from lockgate.core.config import EnvironmentConfig


def audiences(project: Project, environment: EnvironmentConfig) -> list[Audience]:
    """Give everybody who is told."""
    found: list[Audience] = []
    if github := on_github(project, environment.url):
        found.append(github)
    if project.config.notify:
        from lockgate.commands.notifier import Notifier  # noqa: PLC0415 - an HTTP client, where there is one to tell

        found.append(Notifier(project, environment.url))
    return found
