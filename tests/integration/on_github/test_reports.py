"""What GitHub is told about rollouts: every outcome, once, and never in the way."""

import json
import time

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github import notes
from lockgate.adapters.github.client import GitHub
from lockgate.core.github_report import issue_mark
from lockgate.errors import GitHubRefusedError
from tests.integration.rollout.shop import Shop
from tests.integration.rollout.test_cut_off import expire_lease
from tests.integration.rollout.test_drift import end_everything
from tests.standins.github import deployments, issues

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


def test_the_pull_request_is_the_one_that_github_says_was_merged_as_the_commit(github):
    """Whatever the message names, and however it was merged: a rebase leaves no number there."""
    door = GitHub(github.token, github.repository, github.url, SystemClock())
    merged, other, unknown = ("b" * 40, "c" * 40, "d" * 40)
    github.state.commits |= {sha: {"message": "Sell tea (#12)", "author": "mallory"} for sha in (merged, other)}
    github.state.pull(12)
    github.state.pull(13, commits=(merged, other))  # open, with both on its branch
    github.state.pull(14, merged_as="e" * 40, commits=(merged,))  # merged, but not as this commit
    github.state.pull(15, merged_as=merged)
    assert notes.pull_request(door, merged) == 15
    assert notes.pull_request(door, other) is None
    assert notes.pull_request(door, unknown) is None


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


def test_what_a_recovery_did_is_told_as_any_rollout_is(shop, github):
    """A revival closes the issue; the lost run's own deployment is ended, not doubled; a broken end opens an issue."""
    fault, sha = shop.root / "fault", "b" * 40
    github.state.commits[sha] = {"message": "Ship", "author": "grace"}

    def run(number):
        github.state.runs[github.state.run_id]["status"] = "completed"
        github.state.run_id = number
        github.state.runs[number] = {**github.state.runs[7], "status": "in_progress"}
        return github.env(GITHUB_SHA=sha, LOCKGATE_VERSION="1.1")

    ship(shop, github, "1.0", commit="a" * 40, fault_file=str(fault))
    known = {"title": "x", "body": issue_mark("shop", "production"), "labels": ["lockgate"]}
    issue = issues.create(github.state, {}, known)[1]
    end_everything(shop)
    code, result, err = shop.lockgate("recover", "production", **run(8))
    assert (code, result["data"]["recovered"][0]["decision"]) == (0, "deployed"), err
    assert [one[-1] for one in states(github)] == ["inactive", "success"]
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")

    (shop.root / "behaviour.json").write_text(json.dumps({"version": "1.1", "fault_file": str(fault)}))
    env = run(9)
    assert shop.lockgate("build", **env)[0] == 0
    process = shop.start("deploy", "production", **env)
    shop.wait_for("happened.shifted", count=shop.journal().count("happened.shifted") + 1, process=process)
    process.kill()
    process.communicate()
    expire_lease(shop)
    fault.touch()
    code, result, err = shop.lockgate("recover", "production", **run(10))
    assert (code, result["decision"]) == (52, "broken"), err
    assert [one[-1] for one in states(github)] == ["inactive", "success", "error"]
    assert github.state.deployments[-1]["statuses"][0]["log_url"].endswith("/runs/9")
    assert github.state.deployments[-1]["statuses"][-1]["log_url"].endswith("/runs/10")
    ended = github.state.statuses[-1]["shown"]
    assert (ended["state"], ended["context"]) == ("error", "lockgate/shop/production")
    assert [(one["state"], one["title"]) for one in github.state.issues[1:]] == [("open", "shop: production is broken")]


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


@pytest.mark.parametrize("commit", ["../../../../user/repos", "b" * 40])
def test_what_the_build_says_of_its_commit_is_not_believed(shop, github, commit):
    """A path of the API, or somebody else's commit: nothing is deployed, and GitHub is asked nothing in its name."""
    shop.build("1.0")
    env = github.env()
    assert shop.lockgate("build", "--output", "out", **env)[0] == 0
    note = shop.root / "out" / "artifact.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"commit": commit}))
    code, result, err = shop.lockgate("deploy", "production", "--artifact", "out", **env)
    assert (code, result["reason_code"]) == (44, "artifact_mismatch"), err
    assert github.exchanges.all() == []
    assert shop.serving() == ""


def test_a_release_with_another_commit_is_told_of_under_that_one_alone(github):
    """What names a commit in a path is quoted, wherever it came from."""
    hub = GitHub(github.token, github.repository, github.url, SystemClock())
    for ask in (
        lambda sha: notes.status(hub, sha, "lockgate/shop/production", "pending", "", url=""),
        lambda sha: notes.pull_request(hub, sha),
    ):
        with pytest.raises(GitHubRefusedError, match="404"):
            ask("../../../user/repos")
    assert all("/user/repos" not in one["url"].replace("%2F", "?") for one in github.exchanges.all())
