"""How rollouts end, with real processes behind a real proxy."""

import json
import sqlite3

import pytest


def test_a_good_release_is_deployed_and_replaced_by_the_next(shop):
    """Two good releases: each serves all traffic at its end, and the record says who and when."""
    code, first, _ = shop.deploy("1.0")
    assert (code, first["decision"], shop.serving()) == (0, "deployed", "1.0")
    code, second, _ = shop.deploy("1.1")
    assert (code, second["decision"], shop.serving()) == (0, "deployed", "1.1")
    assert second["data"]["baseline"]["version"] == "1.0"
    assert [a["stage"] for a in second["data"]["analyses"]] == ["pre_promotion", "step", "bake"]
    budgets = {line["name"]: line["kept"] for line in second["budgets"]}
    assert budgets == {"deploy": True, "response_p95": True, "availability": True}
    _, history, _ = shop.lockgate("history")
    rows = history["data"]["deployments"]
    assert [(r["version"], r["status"]) for r in rows] == [("1.1", "deployed"), ("1.0", "deployed")]
    assert all(r["platform"] == "local" and r["deployed_by"] and r["environment"] == "production" for r in rows)
    _, status, _ = shop.lockgate("status")
    (row,) = status["data"]["environments"]
    assert (row["version"], row["verified"], row["traffic"]) == ("1.1", "yes", "100% 1.1")


def test_a_release_that_fails_under_traffic_is_rolled_back_and_verified(shop):
    """Errors that begin after the preview passed: traffic returns, the restored release is judged, outcome rolled_back."""
    shop.pause("2s")
    shop.deploy("1.0")
    code, result, progress = shop.deploy("1.1", errors_after=30)
    assert (code, result["decision"], result["reason_code"]) == (51, "rolled_back", "gate_error_status")
    assert shop.serving() == "1.0"
    assert [a["stage"] for a in result["data"]["analyses"]][-1] == "restored"
    failed = result["data"]["analyses"][-2]
    assert failed["verdict"] == "failed"
    # Whoever looked on was told while it went on, and was not told of a verdict before there was one.
    (note,) = (shop.root / ".lockgate" / "watching").glob("*.json")
    noted = json.loads(note.read_text())
    assert (noted["service"], noted["environment"]) == ("shop", "production")
    assert noted["report"]["verdict"] == ""
    assert noted["report"]["indicators"][0]["total"] >= 0
    examples = failed["indicators"][0]["examples"]
    assert any("the cache is full" in example for example in examples)
    assert "\n::error" not in progress, "a body must not speak to the workflow runner"


def test_a_digest_that_was_rolled_back_is_refused_until_told_otherwise(shop):
    """The same digest behaves the same way; --again is the explicit yes."""
    shop.deploy("1.0")
    shop.deploy("1.1", errors_after=30)
    code, refused, _ = shop.lockgate("deploy", "production")
    assert (code, refused["reason_code"]) == (57, "release_refused")
    code, again, _ = shop.lockgate("deploy", "production", "--again")
    assert (code, again["decision"]) == (51, "rolled_back")


def test_a_first_release_that_fails_late_is_broken(shop):
    """There is nothing to go back to, said plainly; and the fix can be shipped over it."""
    code, result, _ = shop.deploy("1.0", errors_after=30)
    assert (code, result["decision"], result["reason_code"]) == (52, "broken", "no_previous_release")
    code, fixed, progress = shop.deploy("1.1")
    assert (code, fixed["decision"]) == (0, "deployed")
    assert "never verified" in progress


def test_a_fault_of_both_revisions_is_an_error_and_nobodys_fault(shop, tmp_path):
    """What both stand on is away: the new release is not called bad, and it is said that the serving one is as bad."""
    fault = tmp_path / "fault"
    shop.deploy("1.0", fault_file=str(fault))
    fault.touch()
    code, result, told = shop.deploy("1.1", fault_file=str(fault))
    assert (code, result["decision"], result["reason_code"]) == (50, "aborted", "gate_could_not_judge"), told
    (analysis,) = result["data"]["analyses"]
    assert analysis["verdict"] == "error"
    assert "the revision that serves now is as bad" in analysis["message"]
    examples = analysis["indicators"][0]["examples"]
    assert len(examples) == 3
    assert all("status 503 after" in text and "the database is away" in text for text in examples)


def test_a_restored_release_that_is_bad_too_is_broken(shop, tmp_path):
    """A fault that comes with the new release and stays after it: rolled back, and not called good."""
    fault = tmp_path / "fault"
    shop.deploy("1.0", fault_file=str(fault))
    shop.build("1.1", fault_file=str(fault))
    process = shop.start("deploy", "production")
    shop.wait_for("intended.shift", count=2, process=process)
    fault.touch()
    code, result, _ = shop.finish(process)
    assert (code, result["decision"], result["reason_code"]) == (52, "broken", "restored_unhealthy")


@pytest.mark.parametrize(
    ("mode", "code", "reason", "words"),
    [
        ("exit", 61, "service_exited", "cannot reach the database at db.internal"),
        ("silent", 60, "service_not_listening", "PORT"),
        ("wrong_port", 62, "service_wrong_port", "port"),
        ("html", 65, "gate_wrong_answer", "expected JSON"),
        ("hang", 66, "gate_no_answer", "timed out"),
        ("slow", 50, "gate_too_slow", "slower than 2000 ms"),
    ],
)
def test_a_release_that_does_not_come_up_is_aborted_with_its_own_reason(shop, mode, code, reason, words):
    """What serves is not touched, and the person reads what was wrong."""
    shop.deploy("1.0")
    if mode in {"silent", "wrong_port"}:
        shop.config["environments"]["production"]["target"]["start_timeout"] = "2s"
        shop.write()
    found, result, _ = shop.deploy("1.1", mode=mode)
    assert (result["decision"], result["reason_code"], found) == ("aborted", reason, code)
    assert words in result["message"] + str(result["data"]["analyses"])
    assert shop.serving() == "1.0"
    _, status, _ = shop.lockgate("status")
    assert status["data"]["environments"][0]["traffic"] == "100% 1.0"


def test_failing_integration_tests_abort(make_shop):
    """They run against the preview, before any traffic."""
    shop = make_shop(integration={"command": 'echo "checking $LOCKGATE_URL"; exit 3'})
    code, result, progress = shop.deploy("1.0")
    assert (code, result["reason_code"]) == (50, "integration_tests_failed")
    assert "checking http://127.0.0.1:" in progress
    assert shop.serving() == ""


def test_commands_around_the_promotion_run_in_order(make_shop):
    """Before: the new revision is up and has no traffic. After: it has all of it. Each knows its address."""
    say = 'printf "%s %s\\n" {} "$LOCKGATE_URL" >> hooks.txt'
    shop = make_shop(migration={"before": say.format("before"), "after": say.format("after")})
    code, _, _ = shop.deploy("1.0")
    assert code == 0
    before, after = (shop.root / "hooks.txt").read_text().splitlines()
    assert before.startswith("before http://127.0.0.1:")
    assert after.startswith("after http://127.0.0.1:")
    kinds = shop.journal()
    assert kinds.index("intended.hook") < kinds.index("intended.shift")


def test_a_migration_that_cannot_be_undone_is_not_rolled_back(make_shop):
    """The reason is said, the release keeps what it has, and a person is called."""
    shop = make_shop()
    shop.deploy("1.0")
    shop.config["environments"]["production"]["migration"] = {"before": "true", "backward_compatible": False}
    shop.write()
    code, result, _ = shop.deploy("1.1", errors_after=30)
    assert (code, result["decision"], result["reason_code"]) == (52, "broken", "rollback_refused")
    assert "incompatible" in result["message"]


def test_rollback_returns_to_the_verified_release_before_this(shop):
    """By hand, through the same gate; the release it left can be returned to in turn."""
    shop.deploy("1.0")
    code, nothing, _ = shop.lockgate("rollback", "production")
    assert (code, nothing["reason_code"]) == (56, "nothing_to_roll_back")
    shop.deploy("1.1")
    code, result, _ = shop.lockgate("rollback", "production")
    assert (code, result["decision"], shop.serving()) == (0, "deployed", "1.0")
    code, result, _ = shop.lockgate("rollback", "production", "--to", "1.1")
    assert (code, shop.serving()) == (0, "1.1")
    with sqlite3.connect(shop.state / "ledger.db") as db:
        kinds = [kind for (kind,) in db.execute("select kind from rollouts order by deployed_at")]
    assert kinds == ["deploy", "deploy", "rollback", "rollback"], "what metrics count as a change"


def test_what_the_ledger_does_not_know_is_not_deployed_over(shop):
    """A revision without a record stops the rollout, and nothing changes."""
    shop.deploy("1.0")
    for file in shop.state.glob("ledger.db*"):
        file.rename(file.with_suffix(".gone"))
    code, result, _ = shop.deploy("1.1")
    assert (code, result["reason_code"]) == (55, "drift")
    assert shop.serving() == "1.0"
    for file in shop.state.glob("ledger.gone"):
        file.replace(file.with_suffix(".db"))


def test_approval_is_not_assumed(make_shop):
    """Without a terminal nobody was asked, so nobody said yes; --approve says it."""
    shop = make_shop(approval="required")
    code, result, _ = shop.deploy("1.0")
    assert (code, result["reason_code"], shop.serving()) == (53, "approval_denied", "")
    code, result, _ = shop.deploy("1.0", "--approve")
    assert (code, shop.serving()) == (0, "1.0")
    assert "command line" in result["data"]["approval"]


def test_deploying_what_was_never_built_says_so(shop):
    """Nothing to deploy, an artifact by tag, an unknown environment: each its own code."""
    assert shop.lockgate("deploy", "production")[0] == 45
    code, result, _ = shop.lockgate("deploy", "production", "--image", "image:shop:latest")
    assert code == 2
    code, result, _ = shop.lockgate("deploy", "prodution")
    assert (code, result["reason_code"]) == (13, "unknown_environment")
