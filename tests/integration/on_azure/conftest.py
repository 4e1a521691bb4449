"""A client that is signed in to the local Azure (`azure`, in tests/conftest.py)."""

import pytest

from lockgate.adapters.azure.arm import Arm
from lockgate.adapters.azure.identity import GitHubOidc, KeylessCredential
from lockgate.adapters.clock import SystemClock
from lockgate.core.azure_cloud import AzureConfig, CloudConfig


@pytest.fixture
def oidc(azure):
    return GitHubOidc(azure.identity.request_url, azure.identity.request_token, str(azure.server.ca), lambda _: None)


@pytest.fixture
def config(azure):
    return AzureConfig(
        tenant=azure.identity.tenant,
        client=azure.application.client,
        subscription=azure.subscription,
        resource_group=azure.group,
        cloud=CloudConfig(resource_manager=azure.url, authority=azure.url),
    )


class QuickClock(SystemClock):
    """The machine's clock, whose waits are a hundred times shorter; it remembers what was asked for."""

    def __init__(self):
        self.waits = []

    def sleep(self, seconds):
        self.waits.append(seconds)
        super().sleep(min(seconds / 100, 0.05))


@pytest.fixture
def clock():
    return QuickClock()


@pytest.fixture
def arm(azure, config, oidc, clock):
    client = Arm(KeylessCredential(config, oidc), config.cloud, clock, ca=str(azure.server.ca))
    yield client
    client.close()
