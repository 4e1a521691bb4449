"""Which Azure: the public cloud by default, or a sovereign or private one by its two addresses."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """The addresses of an Azure cloud; https only."""

    resource_manager: str = "https://management.azure.com"
    authority: str = "https://login.microsoftonline.com"
    audience: str = "https://management.azure.com"
    """What tokens for the resource manager are issued for."""

    @property
    def scope(self) -> str:
        """The scope of a token for the resource manager."""
        return f"{self.audience.rstrip('/')}/.default"


@dataclass(frozen=True, slots=True)
class AzureConfig:
    """Where the pipeline signs in, and as whom. None of it is secret."""

    tenant: str = ""
    client: str = ""
    """The client id of the application or managed identity that trusts this repository."""
    subscription: str = ""
    resource_group: str = ""
    key_vault: str = ""
    """Address of the vault that secrets come from."""
    cloud: CloudConfig = field(default_factory=CloudConfig)
