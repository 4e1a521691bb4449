"""Approval on GitHub is read back: without rules, or without a review that counts, nothing is deployed."""

import json

import pytest

pytestmark = [pytest.mark.judged, pytest.mark.usefixtures("image")]


def deploy(shop, github, **env):
    return shop.lockgate("deploy", "production", **github.env(**env))


def refused(shop, github, **env):
    code, result, err = deploy(shop, github, **env)
    assert (code, result["decision"], result["reason_code"]) == (87, "aborted", "approval_unverified"), err
    assert shop.serving() == ""
    return err


def built(shop, github, version):
    """Build what is at the head."""
    (shop.root / "behaviour.json").write_text(json.dumps({"version": version}))
    assert shop.lockgate("build", **github.env(LOCKGATE_VERSION=version))[0] == 0


def deployed(shop, github, version):
    """Deploy what is at the head, approved by Barbara, in a run of its own; give its commit."""
    github.state.environment("production")
    github.state.approvals.clear()
    github.state.approve("production", "barbara")
    built(shop, github, version)
    code, _, err = deploy(shop, github)
    assert code == 0, err
    github.state.approvals.clear()
    return github.state.head


def test_an_approved_run_deploys_and_records_who_approved(shop, github):
    """Grace's review of Ada's run counts, and stands in the record with the time."""
    github.state.environment("production")
    github.state.commits[github.state.head]["author"] = "ada"
    github.state.approve("production", "grace")
    code, result, err = deploy(shop, github)
    assert (code, result["decision"]) == (0, "deployed"), err
    assert result["data"]["approval"].startswith("given on GitHub by grace, before 20")
    assert github.token not in err.replace(f"::add-mask::{github.token}", "")


def test_a_missing_environment_is_not_an_approval(shop, github):
    """GitHub would have created it without any rule, and run the job at once."""
    assert "the environment production does not exist" in refused(shop, github)


def test_rules_that_ask_nobody_are_named_with_the_page_to_set_them(shop, github):
    """All that is missing at once, and where."""
    github.state.environment("production", reviewers=(), branches="")
    said = refused(shop, github)
    assert "https://github.com/ada/shop/settings/environments" in said
    assert "Required reviewers" in said
    assert "Deployment branches and tags" in said


def test_protected_branches_are_no_limit_where_the_runs_is_not_protected(shop, github):
    """While none is, GitHub lets every branch deploy."""
    github.state.environment("production")
    assert "this run's is not protected" in refused(shop, github, GITHUB_REF_PROTECTED="false")


def test_a_run_that_nobody_reviewed_is_refused(shop, github):
    """An administrator may let a job through; that is no review."""
    github.state.environment("production")
    assert "GitHub has no review of this run" in refused(shop, github)


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_neither_the_author_nor_the_starter_approves_their_own(shop, github, who):
    """Ada started the run, Grace wrote the commit; whoever of them approves does not count."""
    github.state.environment("production", reviewers=(who,))
    github.state.approve("production", who)
    assert f"{who} approved their own change" in refused(shop, github)


@pytest.mark.parametrize("role", ["author", "committer"])
def test_nobody_approves_a_change_that_they_wrote_a_part_of(shop, github, role):
    """Linus wrote or committed one commit of several since the release that serves; the last one is Grace's."""
    deployed(shop, github, "1.0")
    github.state.push(**{"author": "grace", role: "linus"})
    for _ in range(101):
        github.state.push("grace")
    github.state.approve("production", "linus")
    built(shop, github, "1.1")
    code, result, err = deploy(shop, github)
    assert (code, result["reason_code"]) == (87, "approval_unverified"), err
    assert "linus approved their own change" in err
    assert shop.serving() == "1.0"
    github.state.approve("production", "barbara")
    code, result, err = deploy(shop, github)
    assert (code, result["decision"]) == (0, "deployed"), err


def test_what_a_browser_committed_was_committed_by_nobody_else(shop, github):
    """GitHub commits a merge as itself, and reviews nothing."""
    github.state.environment("production")
    github.state.commits[github.state.head]["committer"] = "web-flow"
    github.state.approve("production", "web-flow")
    code, result, err = deploy(shop, github)
    assert (code, result["decision"]) == (0, "deployed"), err


def test_a_change_of_somebody_without_an_account_is_approved_by_nobody(shop, github):
    """It may have been written by whoever approves; the page before the gate says so already, and how to put it right."""
    deployed(shop, github, "1.0")
    strange = github.state.push("somebody", known=False)
    github.state.push("grace")
    github.state.approve("production", "linus")
    built(shop, github, "1.1")
    for command in ("deploy", "brief"):
        code, result, err = shop.lockgate(command, "production", **github.env())
        assert (code, result["reason_code"]) == (87, "approval_unverified"), err
        assert f"GitHub knows no account for the author or the committer of {strange[:12]}" in err
        assert "adds the address that the commit names to their account" in err
    shop.config["environments"]["production"]["approval"] = "any-reviewer"
    shop.write()
    code, result, err = deploy(shop, github)
    assert (code, result["decision"]) == (0, "deployed"), err


@pytest.mark.parametrize("lost", ["the commit", "the second page", "the end of the list", "the limit"])
def test_a_change_that_github_cannot_list_is_approved_by_nobody(shop, github, lost):
    """What serves was built from a commit that was forced away, or GitHub lists less than there is, or there is too much."""
    old = deployed(shop, github, "1.0")
    for _ in range(1001 if lost == "the limit" else 101):
        github.state.push("grace")
    if lost == "the commit":
        del github.state.commits[old]
        github.state.commits = {sha: one | {"parent": None} for sha, one in github.state.commits.items()}
    if lost == "the second page":
        github.faults.add("GET", "/compare/", status=403, skip=1, times=9)
    github.state.compared = 100 if lost == "the end of the list" else None
    github.state.approve("production", "linus")
    built(shop, github, "1.1")
    code, result, err = deploy(shop, github)
    assert (code, result["reason_code"]) == (87, "approval_unverified"), err
    assert f"who wrote it since {old[:12]}, which serves there, cannot be read from GitHub" in err
    assert shop.serving() == "1.0"


def test_a_rollback_is_not_barred_by_an_author_without_an_account(shop, github):
    """It brings nothing that was not approved before; whoever wrote what it returns to still does not approve it."""
    for version in ("1.0", "1.1"):
        deployed(shop, github, version)
        github.state.push("grace")
    first = next(iter(github.state.commits))
    github.state.approvals.clear()
    github.state.approve("production", "linus")
    github.state.commits[first]["author"] = "linus"
    code, result, err = shop.lockgate("rollback", "production", **github.env())
    assert (code, result["reason_code"]) == (87, "approval_unverified"), err
    github.state.commits[first]["known"] = False
    code, result, err = shop.lockgate("rollback", "production", **github.env())
    assert (code, result["decision"]) == (0, "deployed"), err
    assert "who wrote 1.0 is not known to GitHub; going on" in err


def test_an_approval_of_staging_is_none_of_production(shop, github):
    """It names another environment."""
    github.state.environment("production")
    github.state.environment("staging")
    github.state.approve("staging", "linus")
    refused(shop, github)


def test_an_approval_of_an_earlier_attempt_is_none_of_this_one(shop, github):
    """The page is written before anybody is asked; who had approved by then has to be asked again."""
    github.state.environment("production")
    github.state.approve("production", "linus")
    github.state.run_again()
    assert "this is attempt 2 of the run" in refused(shop, github)
    told = json.dumps(shop.lockgate("brief", "production", **github.env())[1])
    assert "since this attempt began" in refused(shop, github, LOCKGATE_BRIEF=told)
    github.state.approve("production", "linus")
    code, result, err = deploy(shop, github, LOCKGATE_BRIEF=told)
    assert (code, result["decision"]) == (0, "deployed"), err


@pytest.mark.parametrize("path", ["/environments/production", "/approvals", "/actions/runs/7$", "/commits/"])
def test_what_cannot_be_read_is_not_assumed(shop, github, path):
    """Whichever of the reads fails, the answer is no; nothing was changed."""
    github.state.environment("production")
    github.state.approve("production", "linus")
    github.faults.add("GET", path, status=403, times=9, message="Resource not accessible by integration")
    assert "cannot be read back" in refused(shop, github)


def test_an_input_of_the_workflow_approves_nothing(shop, github):
    """`approve: true` in a workflow file is no person."""
    github.state.environment("production")
    refused(shop, github, LOCKGATE_APPROVE="true")


def test_a_job_without_a_token_is_refused(shop, github):
    """It cannot show that anybody was asked."""
    assert "This job has no token" in refused(shop, github, LOCKGATE_GITHUB_TOKEN="")


def test_nobody_waits_for_an_approval_that_could_not_count(shop, github):
    """The job before the gate says so first, and writes the page where the rules are there."""
    code, result, _ = shop.lockgate("brief", "production", **github.env())
    assert (code, result["reason_code"]) == (87, "approval_unverified")
    github.state.environment("production")
    summary = shop.root / "summary.md"
    code, result, _ = shop.lockgate("brief", "production", **github.env(GITHUB_STEP_SUMMARY=str(summary)))
    assert (code, result["decision"]) == (0, "passed")
    text = summary.read_text()
    assert "For whoever approves" in text
    assert "neither wrote the change nor started this run" in text
    assert "first release" in text


def test_doctor_prints_a_checklist_from_a_laptop(shop, github):
    """What is missing, what to do, and a code that says so; with the rules in place, all is well."""
    env = {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": github.repository, "GH_TOKEN": github.token}
    github.state.environment("production", self_review=True)
    workflows = shop.root / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "odd.yml").write_text("a: [")
    job = {"uses": "octocat/lockgate/.github/workflows/pipeline.yml@v1", "permissions": {"contents": "read"}}
    (workflows / "deploy.yml").write_text(json.dumps({"jobs": {"lockgate": job}}))
    code, result, err = shop.lockgate("doctor", **env)
    assert (code, result["decision"], result["reason_code"]) == (88, "failed", "checks_failed")
    assert "workflow deploy.yml: it does not grant actions: read (to read back who approved)" in err
    (workflows / "deploy.yml").unlink()
    assert "Prevent self-review" in err
    github.state.environment("production")
    code, result, _ = shop.lockgate("doctor", **env)
    assert (code, result["decision"]) == (0, "passed")
    assert {check["area"] for check in result["data"]["checks"]} == {"config", "ledger", "github production"}


def test_doctor_does_not_call_good_what_it_could_not_see(shop, github):
    """No token, or no answer: neither good nor bad."""
    code, result, err = shop.lockgate("doctor", GH_TOKEN="", PATH="/nonexistent")
    assert (code, result["decision"]) == (88, "error")
    assert "nothing on GitHub was looked at" in err


def test_a_rollback_says_where_it_goes_before_anybody_is_asked(shop, github):
    """The release it returns to, what that takes back, and what else could be chosen; a wrong name is refused at once."""
    github.state.environment("production")
    github.state.approve("production", "linus")
    for version in ("1.0", "1.1", "1.2"):
        shop.build(version)
        assert shop.lockgate("deploy", "production", **github.env())[0] == 0
    summary = shop.root / "summary.md"
    env = github.env(GITHUB_STEP_SUMMARY=str(summary), LOCKGATE_REF="previous")
    code, result, _ = shop.lockgate("brief", "production", **env)
    assert (code, result["version"]) == (0, "1.1")
    assert "production back to shop `1.1`" in summary.read_text()
    assert "`1.1`, `1.0`" in summary.read_text()
    image = shop.lockgate("brief", "production", **github.env(LOCKGATE_REF="previous-2"))[1]["image"]
    assert shop.lockgate("brief", "production", **github.env(LOCKGATE_REF=image))[1]["version"] == "1.0"
    code, result, err = shop.lockgate("brief", "production", **github.env(LOCKGATE_REF="9.9"))
    assert (code, result["reason_code"]) == (56, "nothing_to_roll_back")
    assert "Verified before: 1.1, 1.0" in err
