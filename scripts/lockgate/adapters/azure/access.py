"""Who an identity in Azure trusts, and what it was given: read from Azure, changed by nobody here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.adapters.azure.arm import Arm
from lockgate.core.config_target import TargetKind

_IDENTITIES = "2023-01-31"
_ROLES = "2022-04-01"
_APPS = {
    TargetKind.APP_SERVICE: ("Microsoft.Web/sites", "2023-12-01"),
    TargetKind.CONTAINER_APPS: ("Microsoft.App/containerApps", "2024-03-01"),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A user-assigned managed identity."""

    name: str
    principal: str
    credentials: list[Mapping[str, Any]]
    """The properties of its federated credentials."""


def identity(arm: Arm, subscription: str, client: str) -> Identity | None:
    """Find a managed identity by its client id; None where the subscription has none: it is an app registration."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    for one in arm.pages(path, _IDENTITIES):
        about = one.get("properties") or {}
        if str(about.get("clientId", "")).lower() == client.lower():
            trusted = arm.pages(f"{one['id']}/federatedIdentityCredentials", _IDENTITIES)
            properties = [each.get("properties") or {} for each in trusted]
            return Identity(str(one.get("name", "")), str(about.get("principalId", "")), properties)
    return None


def app(arm: Arm, group: str, kind: TargetKind, name: str) -> str:
    """Give the id of an app that is there; `group` is the id of its resource group. Raise AzureNotFoundError."""
    path, api = _APPS[kind]
    found = f"{group}/providers/{path}/{name}"
    arm.get(found, api)
    return found


def assignments(arm: Arm, scope: str) -> list[Mapping[str, Any]]:
    """Read the role assignments at a scope, those from above included."""
    return arm.pages(f"{scope}/providers/Microsoft.Authorization/roleAssignments", _ROLES)
