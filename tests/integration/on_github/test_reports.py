"""What GitHub is told about rollouts: every outcome, once, and never in the way."""

import json
import time

import pytest

from tests.integration.rollout.shop import Shop
from tests.standins.github import deployments

pytestmark = pytest.mark.judged
BAD = {"errors_after": 0}
LATE = {"errors_behind_proxy": True}


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    yield made
    made.close()


def ship(shop, github, version, *, commit=None, **behaviour):
    """Build and deploy as jobs of a run; give code, result and what was said."""
    sha = commit or f"{hash(version) & 0xFFFF:040x}"
    github.state.commits.setdefault(sha, {"message": f"Ship {version}", "author": "grace"})
    env = github.env(GITHUB_SHA=sha, LOCKGATE_VERSION=version)
    (shop.root / "behaviour.json").write_text(json.dumps({"version": version, **behaviour}))
    assert shop.lockgate("build", **env)[0] == 0
    return shop.lockgate("deploy", "production", **env)


def states(github):
    return [[status["state"] for status in one["statuses"]] for one in github.state.deployments]


def test_each_outcome_is_told_and_the_one_before_is_ended(shop, github):
    """A good release, a bad one that goes back, a good one: what serves is success, what served is inactive."""
    github.state.pull(12, merged_as="a" * 40)
    assert ship(shop, github, "1.0", commit="a" * 40)[1]["decision"] == "deployed"
    assert states(github) == [["in_progress", "success"]]
    last = github.state.deployments[0]["statuses"][-1]
    assert last["log_url"] == "https://github.com/ada/shop/actions/runs/7"
    assert ship(shop, github, "1.1", **LATE)[1]["decision"] == "rolled_back"
    assert states(github) == [["in_progress", "success"], ["in_progress", "failure"]]
    assert ship(shop, github, "1.2")[1]["decision"] == "deployed"
    assert [one[-1] for one in states(github)] == ["inactive", "failure", "success"]
    assert {s["shown"]["context"] for s in github.state.statuses} == {"lockgate/shop/production"}
    assert [s["shown"]["state"] for s in github.state.statuses] == [
        "pending",
        "success",
        "pending",
        "failure",
        "pending",
        "success",
    ]
    failed = [c for c in github.state.checks if c["shown"]["conclusion"] == "failure"]
    (note,) = failed[0]["annotations"]
    assert note["path"] == "lockgate.yml"
    assert "production" in (shop.root / "lockgate.yml").read_text().splitlines()[note["start_line"] - 1]


def test_one_comment_is_updated_not_repeated(shop, github):
    """The pull request that was merged as this commit says how its release fared, in one place."""
    sha = "b" * 40
    github.state.commits[sha] = {"message": "Sell tea (#12)\n\nlong text", "author": "grace"}
    github.state.pull(12, merged_as=sha)
    ship(shop, github, "1.0", commit=sha)
    ship(shop, github, "1.1", commit=sha, **BAD)
    (comment,) = github.state.comments
    assert "aborted" in comment["body"]
    assert "`1.1`" in comment["body"]


def test_a_commit_cannot_name_somebody_elses_pull_request(shop, github):
    """Anybody may write (#12) into a message; GitHub has to confirm that it was merged as this commit."""
    sha = "b" * 40
    github.state.commits[sha] = {"message": "Sell tea (#12)", "author": "mallory"}
    github.state.pull(12, merged_as="c" * 40)
    ship(shop, github, "1.0", commit=sha)
    assert github.state.comments == []


def test_a_broken_environment_opens_an_issue_and_a_healthy_one_closes_it(shop, github):
    """Opened once, with what to look at; closed when a release is judged healthy there."""
    assert ship(shop, github, "1.0", **LATE)[1]["decision"] == "broken"
    (issue,) = github.state.issues
    assert (issue["state"], issue["title"]) == ("open", "shop: production is broken")
    assert states(github) == [["in_progress", "error"]]
    assert ship(shop, github, "1.1")[1]["decision"] == "deployed"
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")


def test_what_a_lost_run_left_in_progress_is_closed(shop, github):
    """Its run is over and never said how; one that still runs, or waits for approval, is left alone."""
    github.state.runs[5] = {"actor": "ada", "triggering_actor": "ada", "status": "completed", "conclusion": "cancelled"}
    github.state.runs[6] = {"actor": "ada", "triggering_actor": "ada", "status": "in_progress", "conclusion": None}
    for run, state in ((5, "in_progress"), (6, "in_progress"), (6, "queued")):
        _, made = deployments.create(github.state, {}, {"ref": "main", "environment": "production"})
        one = deployments.find(github.state, made["id"])
        deployments.put_status(
            github.state, one, state=state, log_url=f"https://github.com/ada/shop/actions/runs/{run}"
        )
    ship(shop, github, "1.0")
    assert [one[-1] for one in states(github)] == ["error", "in_progress", "queued", "success"]


def test_the_deployment_that_github_made_for_the_job_is_the_one_that_is_told(shop, github):
    """A job with an environment has one already: there are not two for one rollout."""
    sha = "d" * 40
    github.state.commits[sha] = {"message": "x", "author": "grace"}
    _, made = deployments.create(github.state, {}, {"ref": sha, "environment": "production"})
    one = deployments.find(github.state, made["id"])
    deployments.put_status(
        github.state, one, state="in_progress", log_url="https://github.com/ada/shop/actions/runs/7/job/1"
    )
    ship(shop, github, "1.0", commit=sha)
    assert states(github) == [["in_progress", "in_progress", "success"]]


def test_a_dead_github_stops_no_rollback_and_costs_bounded_time(shop, github):
    """Every call fails or hangs: the rollout goes back all the same, and the end waits no longer than it may."""
    ship(shop, github, "1.0")
    for method in ("GET", "POST"):
        github.faults.add(method, "/", status=503, times=9999, seconds=0.2)
    started = time.monotonic()
    code, result, err = ship(shop, github, "1.1", **LATE)
    assert (code, result["decision"]) == (51, "rolled_back")
    assert shop.serving() == "1.0"
    assert time.monotonic() - started < 45
    assert "GitHub was not told the deployment" in err or "were not sent" in err


def test_each_missing_permission_is_named_once_and_the_rest_is_told(shop, github):
    """Only the deployment may be written: it is, and the log says what to grant for the others."""
    github.permissions = {"contents": "read", "deployments": "write"}
    code, _, err = ship(shop, github, "1.0")
    assert code == 0
    assert states(github) == [["in_progress", "success"]]
    for what, need in (
        ("the commit status", "statuses=write"),
        ("the check run", "checks=write"),
        ("the issue", "issues=read"),
    ):
        assert err.count(f"GitHub was not told {what}") == 1
        assert need in err
