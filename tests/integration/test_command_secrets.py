"""Secrets for the user's own commands where no Key Vault is: the variable's value, under the name that the service sees."""

import os

import pytest

from lockgate.adapters.signals import StopSignal
from lockgate.commands.environment_commands import EnvironmentCommands
from lockgate.commands.ledgers import open_ledger
from lockgate.commands.secret_values import secrets_of
from lockgate.core.azure_cloud import EnvironmentAzureConfig
from lockgate.core.config import Config, EnvironmentConfig, IntegrationConfig
from lockgate.core.config_ledger import LedgerConfig, LedgerKind
from lockgate.core.config_target import MemberConfig, TargetConfig, TargetKind
from lockgate.core.vault_reference import SecretConfig
from lockgate.errors import ConfigInvalidError, LedgerRefusedError
from tests.fixtures.stage import stage

LAPTOP = EnvironmentConfig("staging")
WITHOUT_A_VAULT = EnvironmentConfig("production", target=TargetConfig(TargetKind.APP_SERVICE, app="shop"))
NOT_IN_ITS_VAULT = EnvironmentConfig(
    "production",
    target=TargetConfig(TargetKind.APP_SERVICE, app="shop"),
    azure=EnvironmentAzureConfig(key_vault="https://shop.vault.azure.net"),
)


@pytest.mark.parametrize(
    ("environment", "vault"), [(LAPTOP, "database-url"), (WITHOUT_A_VAULT, "database-url"), (NOT_IN_ITS_VAULT, "")]
)
def test_a_command_finds_the_secret_under_its_own_name(tmp_path, environment, vault):
    """As on Azure; the value is masked, and in no line of the log. What is not set is not there, and stops nothing."""
    secrets = {"DATABASE_URL": SecretConfig("PROD_DB", vault), "OTHER": SecretConfig("NOT_SET", vault)}
    made = stage(tmp_path, Config("shop", secrets=secrets), {"PATH": os.environ["PATH"], "PROD_DB": "hunter2"})
    command = IntegrationConfig('echo "using $DATABASE_URL"; test "$DATABASE_URL" = hunter2 && test -z "${OTHER+x}"')
    commands = EnvironmentCommands(
        made.project, EnvironmentConfig(**{**fields(environment), "integration": command}), StopSignal()
    )
    event = commands.integrate("http://127.0.0.1:1")
    assert event.passed, made.console.getvalue()
    assert "::add-mask::hunter2" in made.log.getvalue()
    assert "using ***" in made.console.getvalue()
    assert "hunter2" not in made.console.getvalue()


def test_a_fleet_on_azure_needs_no_variables_for_what_is_in_its_vault(tmp_path):
    """One with a member on this machine does: nobody else would give that one the value."""
    secrets = {"DATABASE_URL": SecretConfig("PROD_DB", "database-url")}
    made = stage(tmp_path, Config("shop", secrets=secrets), {})
    vault = EnvironmentAzureConfig(key_vault="https://shop.vault.azure.net")
    on_azure = {name: MemberConfig(kind=TargetKind.APP_SERVICE, app=name) for name in ("eu", "us")}
    assert secrets_of(made.project, EnvironmentConfig("production", targets=on_azure, azure=vault)) == {}
    mixed = {**on_azure, "here": MemberConfig()}
    with pytest.raises(ConfigInvalidError, match="PROD_DB"):
        secrets_of(made.project, EnvironmentConfig("production", targets=mixed, azure=vault))


def test_who_misses_a_value_is_told_where_it_goes(tmp_path):
    """In the one secret that the workflows hand on; what is in there is found."""
    config = Config("shop", secrets={"DATABASE_URL": SecretConfig("PROD_DB")})
    made = stage(tmp_path, config, {})
    with pytest.raises(ConfigInvalidError) as caught:
        secrets_of(made.project, LAPTOP)
    assert caught.value.what == "No value for the secret DATABASE_URL (from $PROD_DB)."
    assert "in the secret LOCKGATE_SECRETS of the environment" in caught.value.fix
    handed = stage(tmp_path, config, {"LOCKGATE_SECRETS": '{"PROD_DB": "hunter2"}'})
    assert secrets_of(handed.project, LAPTOP) == {"DATABASE_URL": "hunter2"}


def test_who_misses_the_ledgers_key_is_told_its_name_on_github(tmp_path):
    """The workflows hand on that one name, whichever the config says."""
    config = Config("shop", ledger=LedgerConfig(LedgerKind.POSTGRES, secret="DSN"))
    with pytest.raises(LedgerRefusedError) as caught:
        open_ledger(stage(tmp_path, config, {}).project)
    assert caught.value.what == "No value for the ledger's secret (from $DSN)."
    assert "hand LOCKGATE_LEDGER_SECRET to the workflow" in caught.value.fix


def fields(environment):
    return {"name": environment.name, "target": environment.target, "azure": environment.azure}
