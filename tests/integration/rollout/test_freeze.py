"""An environment that is frozen, or holds still: nothing new without a reason, and always a way back."""

import os
import pty
import subprocess
import sys

from tests.integration.rollout.test_cut_off import assert_only

ALWAYS = [{"start": "2020-01-01", "end": "2099-12-31", "reason": "the audit"}]


def set_config(shop, **changes):
    shop.config["environments"]["production"].update(changes)
    shop.write()


def test_a_freeze_stops_what_is_new_and_never_the_way_back(shop):
    """Said with its reason; overridden only with another, which stays in the record."""
    shop.deploy("1.0")
    set_config(shop, freeze=ALWAYS)
    code, result, progress = shop.deploy("1.1")
    assert (code, result["decision"], result["reason_code"]) == (67, "aborted", "frozen")
    assert "the audit" in progress
    assert shop.lockgate("deploy", "production", "--override", " ")[0] == 2
    code, result, _ = shop.lockgate("deploy", "production", "--override", "fixes the outage")
    assert (code, result["data"]["override"]) == (0, "fixes the outage")
    (newest, *_) = shop.lockgate("history")[1]["data"]["deployments"]
    assert newest["metadata"]["override"] == "fixes the outage"
    assert shop.lockgate("rollback", "production")[0] == 0
    assert_only(shop, "1.0")


def test_after_a_rollback_the_environment_holds_also_for_who_was_approved_meanwhile(make_shop):
    """A deploy that waited for its approval looks again before it begins."""
    shop = make_shop(hold_after_rollback="1h", approval="required")
    shop.deploy("1.0", "--approve")
    bad = shop.build("1.1", errors_behind_proxy=True)
    ours, theirs = pty.openpty()
    waiting = subprocess.Popen(
        [sys.executable, "-m", "lockgate", "deploy", "production", "--json"],
        cwd=shop.root,
        env={k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "LOCKGATE_", "ACT"))},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "waiting for a person" not in waiting.stderr.readline():
        assert waiting.poll() is None
    code, result, _ = shop.lockgate("deploy", "production", "--approve", "--image", bad, "--version", "1.1")
    assert (code, result["decision"]) == (51, "rolled_back")
    os.write(ours, b"y\n")
    out, err = waiting.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert waiting.returncode == 68, err
    assert "holds still until" in out
    assert_only(shop, "1.0")
