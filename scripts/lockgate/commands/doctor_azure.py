"""What a deploy to Azure needs, checked from a laptop: the apps, the identity's trust in GitHub, and its roles."""

from collections.abc import Iterator
from contextlib import closing

from lockgate.adapters.azure import access
from lockgate.commands.azure import open_arm
from lockgate.commands.github import repository_name
from lockgate.commands.project import Project
from lockgate.core import azure_access, fleet_plan
from lockgate.core.azure_access import Wanted
from lockgate.core.checklist import Check
from lockgate.core.config import Approval, EnvironmentConfig
from lockgate.errors import AzureNotFoundError, LockgateError


def azure(project: Project) -> Iterator[Check]:
    """Check every environment on Azure, as the person who is signed in there."""
    for environment in project.config.environments.values():
        if any(kind.on_azure for kind in environment.kinds):
            area = f"azure {environment.name}"
            try:
                yield from _environment(project, environment, area)
            except LockgateError as error:
                yield Check(area, None, error.what, error.fix)


def _environment(project: Project, environment: EnvironmentConfig, area: str) -> Iterator[Check]:
    config = environment.azure.within(project.config.azure)
    group = f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"
    with closing(open_arm(project, environment)) as arm:
        identity = access.identity(arm, config.subscription, config.client)
        if identity is None:
            fix = f"Look yourself: az ad app federated-credential list --id {config.client}"
            yield Check(area, None, f"{config.client} is no managed identity of this subscription", fix)
        else:
            guarded = environment.approval is not Approval.NONE
            wanted = Wanted(repository_name(project), environment.name, guarded)
            if wanted.repository:
                yield from azure_access.trust(area, identity.credentials, wanted)
            else:
                yield Check(area, None, "no repository on GitHub is known here, so whom it should trust is not")
        for member in fleet_plan.members(environment):
            kind, name = member.target.kind, member.target.app
            if not kind.on_azure:
                continue
            try:
                found = access.app(arm, group, kind, name)
            except AzureNotFoundError:
                fix = (
                    "Make it, or correct target.app or azure.resource_group; docs/azure-targets.md says what it needs."
                )
                yield Check(area, False, f"there is no {name} in {config.resource_group}", fix)
                continue
            yield Check(area, True, f"{name} is there")
            if identity:
                given = access.assignments(arm, found)
                yield azure_access.roles(area, given, identity.principal, found, kind)
