"""How a platform is told to read a secret from a Key Vault by itself: the value never passes through the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretConfig:
    """Where the value of one secret is: in a variable of the pipeline, and on Azure in the environment's Key Vault."""

    env: str
    vault: str = ""


def secret_uri(vault: str, name: str) -> str:
    """Give the address of a secret, without a version: the platform then follows its rotation."""
    return f"{vault.rstrip('/')}/secrets/{name}"


def app_setting(vault: str, secret: SecretConfig) -> str:
    """Give the value of an App Service setting that stands for a secret.

    Source: learn.microsoft.com/azure/app-service/app-service-key-vault-references.
    """
    return f"@Microsoft.KeyVault(SecretUri={secret_uri(vault, secret.vault)})"


def app_settings(vault: str, secrets: Mapping[str, SecretConfig]) -> dict[str, str]:
    """Give the App Service settings of all secrets that are in the vault."""
    return {name: app_setting(vault, secret) for name, secret in secrets.items() if vault and secret.vault}


def container_app_secret(name: str) -> str:
    """Give the name that a Container App keeps a secret under: lower case letters, digits and hyphens."""
    return name.lower().replace("_", "-").strip("-")


def container_app_secrets(vault: str, secrets: Mapping[str, SecretConfig]) -> list[dict[str, str]]:
    """Give the secrets of a Container App, read by its own system-assigned identity."""
    return [
        {"name": container_app_secret(name), "keyVaultUrl": secret_uri(vault, secret.vault), "identity": "system"}
        for name, secret in secrets.items()
        if vault and secret.vault
    ]


def container_app_env(vault: str, secrets: Mapping[str, SecretConfig]) -> list[dict[str, str]]:
    """Give the environment variables of its container that show those secrets."""
    return [
        {"name": name, "secretRef": container_app_secret(name)}
        for name, secret in secrets.items()
        if vault and secret.vault
    ]
