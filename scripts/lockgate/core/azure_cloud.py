"""Which Azure: the public cloud by default, or a sovereign or private one by its two addresses."""

from dataclasses import dataclass, field, replace

REQUIRED = ("tenant", "client", "subscription", "resource_group")
"""What every sign-in needs; the rest has defaults."""


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """The addresses of an Azure cloud; https only."""

    resource_manager: str = "https://management.azure.com"
    authority: str = "https://login.microsoftonline.com"
    audience: str = "https://management.azure.com"
    """What tokens for the resource manager are issued for."""

    vault_audience: str = "https://vault.azure.net"
    """What tokens for a Key Vault are issued for."""
    registry_audience: str = "https://containerregistry.azure.net"
    """What tokens for a registry are issued for. Every registry takes these, and one may be set to take no others:
    https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm
    """

    @property
    def scope(self) -> str:
        """The scope of a token for the resource manager."""
        return f"{self.audience.rstrip('/')}/.default"

    @property
    def registry_scope(self) -> str:
        """The scope of a token for a registry: with it nobody manages a resource."""
        return f"{self.registry_audience.rstrip('/')}/.default"


@dataclass(frozen=True, slots=True)
class AzureConfig:
    """Where the pipeline signs in, and as whom. None of it is secret."""

    tenant: str = ""
    client: str = ""
    """The client id of the application or managed identity that trusts this repository."""
    subscription: str = ""
    resource_group: str = ""
    cloud: CloudConfig = field(default_factory=CloudConfig)


@dataclass(frozen=True, slots=True)
class EnvironmentAzureConfig:
    """What one environment has of its own; "" is what the `azure` section says."""

    client: str = ""
    subscription: str = ""
    resource_group: str = ""
    application_insights: str = ""
    """Name of the resource that gets release annotations."""
    registry: str = ""
    """Address of the registry that this environment pulls from; "" is the one the image was built in."""
    key_vault: str = ""
    """Address of the vault that secrets come from; there is no shared one to fall back to."""

    def within(self, shared: AzureConfig) -> AzureConfig:
        """Where and as whom this environment signs in."""
        return replace(
            shared,
            client=self.client or shared.client,
            subscription=self.subscription or shared.subscription,
            resource_group=self.resource_group or shared.resource_group,
        )
