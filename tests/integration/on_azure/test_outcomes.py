"""How rollouts end on both Azure targets: through the command line, the real gate and live answers."""

import pytest

from tests.integration.on_azure.shop import KINDS, AzureShop
from tests.standins.azure.web import WebApp

pytestmark = pytest.mark.judged


@pytest.fixture(params=KINDS)
def shop(request, tmp_path, azure):
    return AzureShop(tmp_path, azure, request.param)


def test_what_ran_there_is_adopted_replaced_and_returned_to(shop):
    """Adopt, deploy in steps, roll back by hand: each ends with one release on all traffic, and the other one stopped."""
    shop.begin()
    code, result, told = shop.deploy("1.1")
    assert (code, result["decision"]) == (0, "deployed"), told
    assert shop.serves("1.1")
    if isinstance(shop.app, WebApp):
        assert (shop.app.swaps, shop.app.preview.running, shop.app.preview.prepared) == (1, False, False)
    else:
        assert [one.active for one in shop.app.revisions.values()] == [False, True]
        assert shop.app.traffic == [{"revisionName": list(shop.app.revisions)[1], "weight": 100}]
    code, status, _ = shop.lockgate("status")
    (row,) = status["data"]["environments"]
    assert (row["version"], row["verified"], row["traffic"]) == ("1.1", "yes", "100% 1.1")
    code, result, told = shop.lockgate("rollback", "production")
    assert (code, result["decision"]) == (0, "deployed"), told
    assert shop.serves("1.0")


def test_a_release_that_is_broken_never_gets_traffic(shop):
    """It is aborted, production is untouched, and what was prepared for it is undone."""
    shop.begin()
    code, result, told = shop.deploy("1.1", errors_after=0)
    assert (code, result["decision"]) == (50, "aborted"), told
    assert shop.serves("1.0")
    if isinstance(shop.app, WebApp):
        assert (shop.app.swaps, shop.app.preview.running, shop.app.preview.prepared) == (0, False, False)
    else:
        assert [one.active for one in shop.app.revisions.values()] == [True, False]


def test_a_release_that_fails_under_traffic_is_rolled_back_and_verified(shop):
    """Errors that begin after the gate: the old release gets everything back, and is judged again."""
    shop.config["environments"]["production"]["strategy"]["steps"] = [100]
    shop.config["environments"]["production"]["gate"]["bake"] = "5s"
    shop.write()
    shop.begin()
    code, result, told = shop.deploy("1.1", errors_after=40)
    assert (code, result["decision"]) == (51, "rolled_back"), told
    assert [one["stage"] for one in result["data"]["analyses"]][-1] == "restored"
    assert shop.serves("1.0")
    if isinstance(shop.app, WebApp):
        assert shop.app.swaps == 2


def test_stop_leaves_a_platform_alone(shop):
    """It ends what runs on this machine, and says that this does not."""
    code, _, told = shop.lockgate("stop", "production")
    assert code == 2
    assert "does not run on this machine" in told
