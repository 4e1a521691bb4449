"""A ledger in a file, on a machine that is gone when the job ends: nothing is begun that would be forgotten."""

import pytest

from tests.integration.on_azure.shop import AzureShop

pytestmark = pytest.mark.judged
COMMANDS = (
    ["deploy", "production"],
    ["rollback", "production"],
    ["recover"],
    ["adopt", "production"],
    ["brief", "production"],
)


@pytest.fixture
def shop(azure, tmp_path):
    shop = AzureShop(tmp_path, azure, "azure-container-apps")
    shop.app.run(shop.image("1.0"), {})
    return shop


def hosted(tmp_path):
    """What a job on one of GitHub's own runners has, and what action.yml makes of an input that nobody gave."""
    return {
        "RUNNER_ENVIRONMENT": "github-hosted",
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "LOCKGATE_STATE_DIR": str(tmp_path / "temp" / "lockgate-state"),
    }


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_nothing_is_begun_that_would_be_forgotten(shop, azure, tmp_path, words):
    """The command ends as a wrong config does, says why and what to write, and has asked Azure nothing."""
    for env in (
        hosted(tmp_path),
        {"RUNNER_ENVIRONMENT": "github-hosted"},
        hosted(tmp_path) | {"RUNNER_ENVIRONMENT": "self-hosted"},
    ):
        before = len(azure.server.calls(".*"))
        code, result, told = shop.lockgate(*words, **env)
        assert (code, result["reason_code"]) == (12, "config_invalid"), told
        assert "`ledger: github` in lockgate.yml and `contents: write` in the workflow" in told
        assert len(azure.server.calls(".*")) == before
        assert not (tmp_path / "temp" / "lockgate-state" / "ledger.db").exists()


def test_a_place_that_was_chosen_is_enough(shop, tmp_path):
    """A folder that stays, or one that the workflow carries on itself."""
    named = hosted(tmp_path) | {"LOCKGATE_STATE_DIR": str(tmp_path / ".kept")}
    code, result, told = shop.lockgate("recover", **named)
    assert (code, result["decision"]) == (0, "passed"), told


def test_a_laptop_and_a_local_target_are_nobodys_business(shop, tmp_path):
    """Elsewhere the folder of the project stays, and a local target is on the machine itself."""
    assert shop.lockgate("recover")[0] == 0
    shop.config["environments"]["production"]["target"] = {"kind": "local", "port": 1}
    shop.config["build"] = {"kind": "bundle", "bundle": {"start": "true"}}
    shop.write()
    assert shop.lockgate("recover", **hosted(tmp_path))[0] == 0
