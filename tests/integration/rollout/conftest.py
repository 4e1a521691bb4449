"""Projects for a test, ended after it."""

import pytest

from tests.integration.rollout.shop import Shop


@pytest.fixture
def make_shop(tmp_path):
    """Make a project whose environment has these settings."""
    made = []

    def make(**environment):
        made.append(Shop(tmp_path, **environment))
        return made[-1]

    yield make
    for shop in made:
        shop.close()


@pytest.fixture
def shop(make_shop):
    return make_shop()
