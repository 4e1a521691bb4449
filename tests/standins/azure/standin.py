"""The services put together: what a test holds in its hand."""

import uuid
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.standins.azure.container_apps import ContainerApp
from tests.standins.azure.front import Front
from tests.standins.azure.identity import Application, Identity
from tests.standins.azure.insights import Autoscale
from tests.standins.azure.operations import Operations
from tests.standins.azure.registry import Registry
from tests.standins.azure.server import StandInServer
from tests.standins.azure.vault import Vault
from tests.standins.azure.web import WebApp


class AzureStandIn:
    """One subscription with one resource group, and a runner that may sign in. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.server = StandInServer(folder)
        self.identity = Identity(self.server)
        self.operations = Operations(self.server, self.identity)
        self.vault = Vault(self.server, self.identity)
        self.subscription = str(uuid.uuid4())
        self.group = "shop"
        self.registry = Registry(self.server, self.identity, self.operations, self.root)
        self.application: Application = self.identity.register()

    @cached_property
    def front(self) -> Front:
        """What stands before the users."""
        return Front(self.server)

    @cached_property
    def autoscale(self) -> Autoscale:
        """The autoscale settings."""
        return Autoscale(self.server, self.identity, self.root)

    def web_app(self, name: str = "shop") -> WebApp:
        """Make a web app with a preview slot."""
        self.autoscale.settings  # noqa: B018 - its routes
        return WebApp(self.server, self.identity, self.operations, self.front, self.root, name)

    def container_app(self, name: str = "shop") -> ContainerApp:
        """Make a container app."""
        return ContainerApp(self.server, self.identity, self.operations, self.front, self.root, name)

    @property
    def url(self) -> str:
        """Where everything is."""
        return self.server.url

    @property
    def faults(self):
        """What is to go wrong."""
        return self.server.faults

    @property
    def root(self) -> str:
        """The path of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    @property
    def environment(self) -> dict[str, str]:
        """What a job on GitHub has in its environment."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.identity.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.identity.request_token,
            "SSL_CERT_FILE": str(self.server.ca),
            "REQUESTS_CA_BUNDLE": str(self.server.ca),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.operations.close()
        if "front" in self.__dict__:
            self.front.close()
        self.server.close()
