"""Secrets: a reference for the platform, a value for one command, and nothing of it in the log."""

import dataclasses

import pytest

from lockgate.adapters.azure.identity import KeylessCredential
from lockgate.adapters.azure.vault import KeyVault
from lockgate.core.azure_cloud import EnvironmentAzureConfig
from lockgate.core.vault_reference import SecretConfig, app_settings, container_app_env, container_app_secrets
from lockgate.errors import AzureDeniedError, AzureNotFoundError, AzureUnavailableError

pytestmark = pytest.mark.judged


@pytest.fixture
def vault(azure, config, oidc, clock):
    azure.vault.set("database-url", "postgres://old")
    azure.vault.set("database-url", "postgres://new")
    opened = KeyVault(
        azure.vault.url, "https://vault.azure.net", KeylessCredential(config, oidc), clock, ca=str(azure.server.ca)
    )
    yield opened
    opened.close()


def test_the_newest_version_is_read(azure, vault):
    """With a token for the vault's own audience, and one call."""
    assert vault.read("database-url") == "postgres://new"
    assert len(azure.server.calls("GET /secrets")) == 1


def test_what_is_missing_or_forbidden_is_told_apart(azure, vault):
    """By name, never with a value."""
    with pytest.raises(AzureNotFoundError, match="secrets/other"):
        vault.read("other")
    azure.application.revoked = True
    with pytest.raises(AzureDeniedError, match="role"):
        vault.read("database-url")


def test_outages_are_sat_out_and_then_told(azure, vault):
    """Reading is repeated; what stays broken is an outage, not a missing secret."""
    azure.faults.throttle("GET /secrets", times=5, retry_after=1)
    assert vault.read("database-url") == "postgres://new"
    azure.faults.lose("GET /secrets", times=99)
    with pytest.raises(AzureUnavailableError):
        vault.read("database-url")


def test_platforms_get_references_only():
    """Of the secrets that are in the vault; the names are what each platform allows."""
    secrets = {"DATABASE_URL": SecretConfig("DATABASE_URL", "database-url"), "OTHER": SecretConfig("OTHER")}
    vault = "https://shop.vault.azure.net"
    assert app_settings(vault, secrets) == {
        "DATABASE_URL": f"@Microsoft.KeyVault(SecretUri={vault}/secrets/database-url)"
    }
    [secret], [variable] = container_app_secrets(vault, secrets), container_app_env(vault, secrets)
    assert secret == {"name": "database-url", "keyVaultUrl": f"{vault}/secrets/database-url", "identity": "system"}
    assert variable == {"name": "DATABASE_URL", "secretRef": "database-url"}
    assert app_settings("", secrets) == {}


def test_an_environment_has_its_own_identity_and_no_shared_vault(config):
    """What it does not say is the project's; a vault is its own or none."""
    own = EnvironmentAzureConfig(client="other").within(config)
    assert (own.client, own.tenant) == ("other", config.tenant)
    assert "key_vault" not in {field.name for field in dataclasses.fields(config)}
