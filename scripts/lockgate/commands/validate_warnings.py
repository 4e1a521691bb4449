"""What a valid lockgate.yml may say that never ships: no error, because it may be put right elsewhere, or later."""

import re
from collections.abc import Iterator

from lockgate.adapters import repository
from lockgate.commands.project import Project
from lockgate.core import fleet_plan
from lockgate.core.azure_cloud import EnvironmentAzureConfig
from lockgate.core.config import EnvironmentConfig
from lockgate.core.deploy_plan import shortest
from lockgate.core.quantities import format_duration
from lockgate.errors import ConfigInvalidError

_OWNER = re.compile(r"(?m)^\s*(?:- )?uses: *OWNER/")
"""The place of a name, as the examples and `init` write it where they do not know it."""

_JOB_SECONDS = 3600.0
"""The default of deploy.yml's `timeout-minutes`."""
_ROOM_SECONDS = 300.0
"""For checking out, starting services and draining them."""


def warnings(project: Project) -> Iterator[tuple[str, str]]:
    """Give each with the file it is about, relative to the repository."""
    config, name = project.config, project.config_path.name
    if not config.test.command.strip():
        yield "test.command is empty, and nothing is shipped untested: say how the tests are run", name
    for environment in config.environments.values():
        for told in _of(project, environment):
            yield f"environments.{environment.name}.{told}", name
    # A database's client and SQLite's are for those alone who need to be warned.
    if any(kind.on_azure for one in config.environments.values() for kind in one.kinds):
        from lockgate.commands.ledgers import KEEP, is_a_file  # noqa: PLC0415

        if is_a_file(project, *config.environments.values()):
            told = "ledger: sqlite is a file, gone with the job on GitHub's own runners: a deploy from there is refused"
            yield f"{told}. {KEEP}", name
    yield from _workflows(project)


def _of(project: Project, environment: EnvironmentConfig) -> Iterator[str]:
    azure, on_azure = environment.azure, any(kind.on_azure for kind in environment.kinds)
    if azure != EnvironmentAzureConfig() and not azure.application_insights and not on_azure:
        yield "azure is for a target on Azure, and its target is local: set target.kind and target.app, or leave it out"
    waves = fleet_plan.waves(environment) if environment.targets else ()
    takes = shortest(environment, project.config.budgets, waves, first=False)
    if takes > _JOB_SECONDS - _ROOM_SECONDS:
        yield (
            f"gate and strategy take at least {format_duration(round(takes))}, and GitHub ends a deploy after "
            f"{format_duration(_JOB_SECONDS)}, which undoes it: set deploy-timeout-minutes where pipeline.yml is called"
        )
    if environment.gate.ca:
        from lockgate.adapters.http import trust  # noqa: PLC0415 - a tenth of a second, for few

        try:
            trust(project.root / environment.gate.ca)
        except ConfigInvalidError as error:
            yield error.what


def _workflows(project: Project) -> Iterator[tuple[str, str]]:
    top = repository.top(project.root)
    for path in sorted((top / ".github" / "workflows").glob("*.y*ml")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue  # GitHub says so itself
        if _OWNER.search(text):
            file = path.relative_to(top).as_posix()
            yield (
                f"{file} calls OWNER/...: write the owner of your Lockgate in place of OWNER, or GitHub runs nothing",
                file,
            )
