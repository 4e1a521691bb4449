"""Azure, ready to be asked: signed in as the environment says, or as the project does."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lockgate.adapters.azure.arm import Arm
from lockgate.adapters.azure.identity import Credential, DeveloperCredential, GitHubOidc, KeylessCredential
from lockgate.adapters.azure.registry_data import RegistryData
from lockgate.adapters.clock import Clock
from lockgate.commands.project import Project
from lockgate.core.azure_cloud import REQUIRED, AzureConfig
from lockgate.core.config import EnvironmentConfig
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.errors import ConfigInvalidError, SignInError, UntrustedAddressError
from lockgate.errors.extras import set_up

if TYPE_CHECKING:
    from lockgate.adapters.azure.registry import Registry
    from lockgate.adapters.azure.vault import KeyVault


def azure_config(project: Project, environment: EnvironmentConfig | None = None) -> AzureConfig:
    """Give where and as whom to sign in; raise ConfigInvalidError naming every key that is missing."""
    shared = project.config.azure
    config = environment.azure.within(shared) if environment else shared
    if missing := [f"azure.{key}" for key in REQUIRED if not getattr(config, key)]:
        where = f" (or in environments.{environment.name}.azure)" if environment else ""
        raise ConfigInvalidError(
            f"Not set in {project.config_path.name}: {', '.join(missing)}{where}.",
            fix="docs/azure.md has the commands that make these, and print them.",
        )
    return config


def sign_in(project: Project, config: AzureConfig) -> Credential:
    """Give the credential; raise SignInError. On GitHub it is keyless, on a laptop the person's own.

    It is one for everything that this command asks of Azure, so a token is asked for once for each audience.
    """
    known = (config.tenant, config.client, config.cloud.authority)
    if known not in project.signed_in:
        project.signed_in[known] = _sign_in(project, config)
    return project.signed_in[known]


def _sign_in(project: Project, config: AzureConfig) -> Credential:
    if find_spec("azure") is None or find_spec("azure.identity") is None:
        raise SignInError("Azure's client libraries are not installed here.", fix=set_up("azure"))
    runner = project.runner
    if runner.oidc:
        url, bearer = runner.oidc
        runner.mask(bearer)
        return KeylessCredential(config, GitHubOidc(url, bearer, runner.ca_bundle, project.clock.sleep))
    if runner.in_actions:
        raise SignInError(
            "This job may not ask GitHub for a token about itself, so it cannot sign in to Azure.",
            why="ACTIONS_ID_TOKEN_REQUEST_URL is not set: the job lacks `permissions: id-token: write`, or runs for "
            "a pull request from a fork, which never gets it.",
            fix="Add `id-token: write` to the job's permissions, in the calling workflow too. A build in the registry "
            "needs the workflow's input `acr: true` beside it: other builds never get that permission.",
        )
    project.console.step("signing in to Azure as the person that `az` is signed in as")
    return DeveloperCredential(config)


def open_arm(
    project: Project,
    environment: EnvironmentConfig | None = None,
    *,
    credential: Credential | None = None,
    clock: Clock | None = None,
) -> Arm:
    """Open the Resource Manager. `clock` is what waits go by, where they must be interruptible."""
    config = azure_config(project, environment)
    return Arm(
        credential or sign_in(project, config),
        config.cloud,
        clock or project.clock,
        ca=project.runner.ca_bundle,
    )


def open_registry(project: Project, environment: EnvironmentConfig | None = None) -> tuple["Registry", RegistryData]:
    """Open the registry of build.registry: its resource, and what it holds."""
    from lockgate.adapters.azure.registry import Registry  # noqa: PLC0415 - where one builds

    config = azure_config(project, environment)
    credential = sign_in(project, config)
    host, ca = project.config.build.registry.partition("/")[0], project.runner.ca_bundle
    return Registry(config, host, credential, project.clock, ca=ca), RegistryData(
        config, host, credential, project.clock, ca=ca
    )


def registry_login(project: Project, host: str) -> tuple[str, str]:
    """Give the user and the token that pull from a registry of this project's; raise AzureError."""
    with _registry_data(project, azure_config(project), host) as data:
        return data.login()


@contextmanager
def open_vault(project: Project, environment: EnvironmentConfig) -> Iterator["KeyVault"]:
    """Open the environment's Key Vault."""
    from lockgate.adapters.azure.vault import KeyVault  # noqa: PLC0415 - only where a value is needed here

    config = azure_config(project, environment)
    vault = KeyVault(
        environment.azure.key_vault,
        config.cloud.vault_audience,
        sign_in(project, config),
        project.clock,
        ca=project.runner.ca_bundle,
    )
    try:
        yield vault
    finally:
        vault.close()


def hold_digest(project: Project, environment: EnvironmentConfig, artifact: Artifact) -> None:
    """Look an image up in its registry and hold its manifest to its digest, before anything is changed for it.

    Raises ArtifactMissingError, ArtifactMismatchError, UntrustedAddressError, AzureError. What runs here is held where
    it is started.
    """
    if artifact.kind is not ArtifactKind.IMAGE or not any(kind.on_azure for kind in environment.kinds):
        return
    host = artifact.name.partition("/")[0]
    with _registry_data(project, azure_config(project, environment), host) as data:
        size = data.size(artifact)
    project.console.step(f"{environment.name}: {host} holds {artifact.short}, {size / 1e6:.1f} MB compressed")


@contextmanager
def _registry_data(project: Project, config: AzureConfig, host: str) -> Iterator[RegistryData]:
    """Open what a registry of this project's holds; raise UntrustedAddressError for any other, before signing in.

    It is sent a token of ours, and an image's name is text from outside: the config alone says whom to trust.
    """
    if host not in project.config.registries:
        known = ", ".join(sorted(project.config.registries)) or "none"
        raise UntrustedAddressError(
            f"{host} is not a registry of this project, so no token is sent there.",
            why=f"{project.config_path.name} names: {known}. An image's name alone does not say whom to trust.",
            fix="If it is yours, name it: build.registry, or environments.<name>.azure.registry. "
            "If not, find out who named this image.",
        )
    data = RegistryData(config, host, sign_in(project, config), project.clock, ca=project.runner.ca_bundle)
    try:
        yield data
    finally:
        data.close()
