"""Azure, Entra and GitHub's OIDC endpoint as one TLS server. `standin.AzureStandIn` puts the services together."""

from tests.standins.azure.standin import AzureStandIn

__all__ = ["AzureStandIn"]
