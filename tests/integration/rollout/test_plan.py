"""`lockgate plan`: what a deploy would do, with nothing changed."""

import json
import subprocess
import sys

import pytest

from tests.integration.rollout.fleet import FleetShop


@pytest.fixture
def fleet(tmp_path):
    return FleetShop(tmp_path)


def test_a_plan_says_what_a_deploy_would_do_and_changes_nothing(fleet):
    """Every target, every wave, the shortest time; afterwards the journal is empty and nothing runs."""
    fleet.build("1.0")
    code, result, progress = fleet.lockgate("plan", "production")
    assert (code, result["decision"], result["version"]) == (0, "passed", "1.0")
    assert result["data"]["waves"] == [["eu"], ["us", "au"]]
    assert {target["name"] for target in result["data"]["targets"]} == {f"production/{name}" for name in fleet.ports}
    assert 0 < result["data"]["shortest_seconds"] < result["data"]["deploy_budget_seconds"]
    assert "production/au: goes back to nothing" in progress
    assert fleet.journal() == []
    assert fleet.serving_everywhere() == fleet.everywhere("")
    assert not (fleet.state / "targets").exists()


def test_a_matrix_is_the_json_that_a_job_takes(fleet):
    """Standard output is the matrix alone; with --json it stands in the result; only one wave when asked for."""
    command = [sys.executable, "-m", "lockgate", "plan", "production", "--matrix", "--shard-size", "1"]
    done = subprocess.run(command, cwd=fleet.root, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "include": [
            {"wave": 1, "shard": 1, "targets": "eu"},
            {"wave": 2, "shard": 1, "targets": "us"},
            {"wave": 2, "shard": 2, "targets": "au"},
        ]
    }
    code, result, _ = fleet.lockgate("plan", "production", "--matrix", "--wave", "2")
    assert (code, result["data"]["matrix"]) == (0, {"include": [{"wave": 2, "shard": 1, "targets": "us,au"}]})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "which environment"),
        (["production", "--matrix", "--shard-size", "0"], "--shard-size is at least 1"),
        (["production", "--matrix", "--wave", "3"], "--wave is 1 to 2"),
        (["production/eu", "--matrix"], "single target"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(fleet, words, told):
    """Each misuse has its sentence and the code of a usage error."""
    code, result, _ = fleet.lockgate("plan", *words)
    assert (code, told in result["message"]) == (2, True)


def test_a_matrix_that_is_too_large_for_github_is_refused(fleet):
    """257 jobs would fail without a word there."""
    names = [f"t{n}" for n in range(257)]
    production = fleet.config["environments"]["production"]
    production["targets"] = {name: {"port": 1000 + n} for n, name in enumerate(names)}
    production |= {"waves": [names], "concurrency": 100}
    fleet.write()
    code, result, _ = fleet.lockgate("plan", "production", "--matrix", "--shard-size", "1")
    assert (code, "more than a GitHub matrix may have (256)" in result["message"]) == (2, True)
