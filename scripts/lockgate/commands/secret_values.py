"""The values of secrets: read as late as possible, masked first, and handed only to the one who needs them."""

from lockgate.adapters.runner import HANDED
from lockgate.commands.azure import open_vault
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig
from lockgate.errors import ConfigInvalidError


def secrets_of(project: Project, environment: EnvironmentConfig) -> dict[str, str]:
    """Give the values that a new revision gets from us; raise ConfigInvalidError where a variable is not set.

    On Azure a secret of the environment's Key Vault is none of them: the platform is given a reference to it, and reads
    the value by itself.
    """
    return _from_variables(
        project, [name for name in project.config.secrets if not in_vault(project, environment, name)]
    )


def secrets_for_command(project: Project, environment: EnvironmentConfig) -> dict[str, str]:
    """Give the values that a command of the user's needs; raise AzureError, ConfigInvalidError.

    Those in the environment's Key Vault are fetched now; elsewhere it is the variable, where it is set. Either way the
    command finds the value under the secret's own name, so that it is the same on a laptop and on Azure.
    """
    wanted = [name for name in project.config.secrets if in_vault(project, environment, name)]
    others = {
        name: project.runner.secret(one.env) for name, one in project.config.secrets.items() if name not in wanted
    }
    values = {name: value for name, value in others.items() if value}
    project.console.secrets.extend(values.values())
    if not wanted:
        return values
    project.console.step(f"{environment.name}: reading {', '.join(wanted)} from {environment.azure.key_vault}")
    with open_vault(project, environment) as vault:
        for name in wanted:
            values[name] = vault.read(project.config.secrets[name].vault)
            project.runner.mask(values[name])
            project.console.secrets.append(values[name])
    return values


def in_vault(project: Project, environment: EnvironmentConfig, name: str) -> bool:
    """Whether the platform reads this secret from the environment's Key Vault by itself."""
    on_azure = all(kind.on_azure for kind in environment.kinds)
    return on_azure and bool(environment.azure.key_vault and project.config.secrets[name].vault)


def _from_variables(project: Project, names: list[str]) -> dict[str, str]:
    variables = {name: project.config.secrets[name].env for name in names}
    found = {name: project.runner.secret(variable) for name, variable in variables.items()}
    if missing := [f"{name} (from ${variables[name]})" for name, value in found.items() if not value]:
        raise ConfigInvalidError(
            f"No value for the secret {', '.join(missing)}.",
            why="The config names environment variables, and these are not set here.",
            fix=f"Set them in this shell; on GitHub, in the secret {HANDED} of the environment: see docs/github.md.",
        )
    values = {name: value for name, value in found.items() if value}
    project.console.secrets.extend(values.values())
    return values
