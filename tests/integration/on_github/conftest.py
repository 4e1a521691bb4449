"""A project whose production needs approval, run as a job on the local GitHub."""

import pytest

from tests.integration.rollout.shop import Shop


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path, approval="required")
    yield made
    made.close()


@pytest.fixture
def image(shop):
    """A release that was built and waits."""
    return shop.build("1.0")
