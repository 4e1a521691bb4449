"""Bring a release to the registry that an environment pulls from, where that is not the one it was built in."""

from dataclasses import replace

from lockgate.commands.azure import azure_config, hold_digest, sign_in
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig
from lockgate.core.release import ArtifactKind, Release


def registries(environment: EnvironmentConfig, release: Release) -> tuple[str, str]:
    """Give the registry that a release was built in, and the one that the environment pulls from."""
    built_in = release.artifact.name.partition("/")[0].lower()
    own = environment.azure.registry.lower()
    return built_in, own if own and release.artifact.kind is ArtifactKind.IMAGE else built_in


def bring(project: Project, environment: EnvironmentConfig, release: Release) -> Release:
    """Import the image by its digest, and hold what is there then to that digest; give the release by its name there.

    An image that is there already is imported again, which changes nothing. Raises AzureError, ArtifactMissingError,
    ArtifactMismatchError.
    """
    host, wanted = registries(environment, release)
    if host == wanted:
        return release
    from lockgate.adapters.azure.registry import Registry  # noqa: PLC0415 - Azure, where it is wanted

    config, shared = azure_config(project, environment), project.config.azure
    built_in = replace(
        config,
        subscription=shared.subscription or config.subscription,
        resource_group=shared.resource_group or config.resource_group,
    )
    credential, ca = sign_in(project, config), project.runner.ca_bundle
    source = Registry(built_in, host, credential, project.clock, ca=ca)
    target = Registry(config, wanted, credential, project.clock, ca=ca)
    artifact = release.artifact
    project.console.step(f"{environment.name}: importing {artifact.short} from {host} into {wanted}")
    there = target.bring(artifact, source=source, timeout=project.config.budgets.deploy)
    hold_digest(project, environment, there)
    return replace(release, artifact=there)
