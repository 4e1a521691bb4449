"""Whole rollouts over the ledger in a repository: no database, no file that must stay; and GitHub may go away."""

import pytest

from lockgate.core.leased_log import Head
from tests.integration.rollout.shop import Shop

pytestmark = pytest.mark.judged


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    made.config["ledger"] = {"kind": "github", "timeout": "1s"}
    made.write()
    yield made
    del made.config["ledger"]
    made.write()
    made.close()


def deploy(shop, github, version, **behaviour):
    shop.build(version, **behaviour)
    return shop.lockgate("deploy", "production", **github.env(LOCKGATE_VERSION=version))


def events(github):
    tree = github.state.trees["lockgate-ledger"]
    return [one.kind for one in Head.load(github.state.blobs[tree["head.json"]].decode()).tail]


def test_a_repository_is_enough_and_may_go_away(shop, github):
    """No database: deployed; then GitHub refuses every write in the middle of a bad rollout, and gets all afterwards."""
    laptop = {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": github.repository, "GH_TOKEN": github.token}
    code, result, err = deploy(shop, github, "1.0")
    assert (code, result["decision"]) == (0, "deployed"), err
    writes = [one for one in github.exchanges.all() if one["method"] == "PUT"]
    kinds = events(github)
    assert kinds[-1] == "rollout.finished"
    assert len(writes) <= len(kinds) + 3  # the lease, taken and given back, and one to learn that there was no branch
    assert not (shop.state / "ledger.db").exists()

    github.faults.add("PUT", "/contents", status=503, times=9999, skip=4)
    code, result, err = deploy(shop, github, "1.1", errors_behind_proxy=True)
    assert (code, result["decision"], shop.serving()) == (51, "rolled_back", "1.0"), err
    assert "is kept in" in err
    assert events(github).count("rollout.finished") == 1
    github.faults.clear()
    code, result, err = shop.lockgate("status", **laptop)
    (row,) = result["data"]["environments"]
    assert (row["version"], row["last"].partition(" at ")[0]) == ("1.0", "rolled_back 1.1"), err
    assert events(github).count("rollout.finished") == 2
    assert list((shop.state / "spool").glob("*.jsonl")) == []
