"""What runs and what is remembered differ: somebody else deployed it, or the machine was started anew."""

import os
import signal
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from tests.integration.rollout.test_cut_off import assert_only, expire_lease, kill_midway
from tests.ports import free_port


def lose_ledger(shop):
    """Stand in for a service that ran before Lockgate came."""
    for file in shop.state.glob("ledger.db*"):
        file.unlink()


def end_everything(shop):
    """Stand in for a machine that was started anew: every process of the environment is gone, every file is there."""
    ended = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.joinpath("cwd").readlink().is_relative_to(shop.state):
                os.kill(int(process.name), signal.SIGKILL)
                ended.append(process)
    deadline = time.monotonic() + 10
    while any(process.joinpath("exe").exists() for process in ended) and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(ended)


def test_what_ran_before_is_adopted_and_can_be_returned_to(shop):
    """Unknown: nothing is deployed over it. Adopted: judged, recorded, and the way back for the next release."""
    shop.deploy("1.0")
    lose_ledger(shop)
    code, result, _ = shop.deploy("1.1", errors_behind_proxy=True)
    assert (code, result["reason_code"]) == (55, "drift")
    assert "lockgate adopt production" in shop.lockgate("deploy", "production")[2]
    code, result, _ = shop.lockgate("adopt", "production")
    assert (code, result["decision"], result["data"]["kind"]) == (0, "deployed", "adopt")
    assert_only(shop, "1.0")
    code, result, _ = shop.lockgate("adopt", "production")
    assert (code, result["decision"]) == (0, "passed")
    code, result, _ = shop.lockgate("deploy", "production")
    assert (code, result["decision"]) == (51, "rolled_back")
    assert_only(shop, "1.0")
    rows = shop.lockgate("history")[1]["data"]["deployments"]
    assert [(row["version"], row["status"], row["metadata"]["kind"]) for row in rows] == [
        ("1.1", "rolled_back", "deploy"),
        ("1.0", "deployed", "adopt"),
    ]


def test_what_is_not_healthy_is_not_adopted(shop, tmp_path):
    """It serves as before, and stays unknown."""
    fault = tmp_path / "fault"
    shop.deploy("1.0", fault_file=str(fault))
    lose_ledger(shop)
    shop.gate["bake"] = "8s"  # long enough to be sure, which it is long before
    shop.write()
    fault.touch()
    code, result, _ = shop.lockgate("adopt", "production")
    assert (code, result["decision"], result["reason_code"]) == (50, "aborted", "gate_error_status")
    fault.unlink()
    assert shop.serving() == "1.0"
    assert shop.deploy("1.1")[1]["reason_code"] == "drift"


def test_an_adoption_that_was_cut_off_changes_nothing(shop):
    """The look died with the process: aborted, and it can be had again."""
    shop.deploy("1.0")
    lose_ledger(shop)
    process = shop.start("adopt", "production")
    shop.wait_for("intended.analyse", process=process)
    process.kill()
    process.communicate()
    expire_lease(shop)
    code, result, _ = shop.lockgate("recover")
    assert (code, result["data"]["recovered"][0]["decision"]) == (0, "aborted")
    assert shop.lockgate("adopt", "production")[0] == 0
    assert_only(shop, "1.0")


def test_there_must_be_something_to_adopt(shop):
    """Nothing runs: said, with its own code."""
    code, result, _ = shop.lockgate("adopt", "production")
    assert (code, result["reason_code"]) == (69, "nothing_to_adopt")


def test_after_a_restart_of_the_machine_recover_brings_the_verified_release_back(shop):
    """Proxy and service are gone: both come back, the gate judges, and a second `recover` has nothing to do."""
    shop.deploy("1.0")
    assert end_everything(shop) == 2
    assert shop.serving() == ""
    code, result, _ = shop.lockgate("recover")
    assert (code, result["data"]["recovered"][0]["data"]["kind"]) == (0, "revive")
    assert_only(shop, "1.0")
    assert shop.lockgate("recover")[1]["message"] == "nothing to recover"


def test_after_a_restart_a_deploy_has_something_to_go_back_to(shop):
    """What served is brought up first, so that a release that fails finds it there."""
    shop.deploy("1.0")
    end_everything(shop)
    code, result, _ = shop.deploy("1.1", errors_behind_proxy=True)
    assert (code, result["decision"]) == (51, "rolled_back")
    assert_only(shop, "1.0")


def test_a_restart_in_the_middle_of_a_rollout(shop):
    """The traffic was split between two revisions, and both are gone: the verified one is brought back."""
    kill_midway(shop)
    end_everything(shop)
    expire_lease(shop)
    code, _, progress = shop.lockgate("recover")
    assert code == 0, progress
    assert_only(shop, "1.0")
    with sqlite3.connect(shop.state / "ledger.db") as db:
        kinds = [kind for (kind,) in db.execute("select json_extract(metadata, '$.kind') from deployments")]
    assert sorted(kinds) == ["deploy", "deploy", "revive"]


def end(shop, *, what):
    """Have one of the environment's processes end as the kernel ends them when memory is short: `caddy`, or a version."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = process.joinpath("environ").read_bytes().decode().split("\0")
            ours = process.joinpath("cwd").readlink().is_relative_to(shop.state)
            if ours and (f"LOCKGATE_VERSION={what}" in words or what == process.joinpath("comm").read_text().strip()):
                os.kill(int(process.name), signal.SIGKILL)
                while process.joinpath("exe").exists():
                    time.sleep(0.02)
                return
    raise AssertionError(f"{what} does not run")


def test_a_proxy_that_died_alone_is_seen_and_started_again(shop):
    """What runs is well and nobody reaches it: `status` says so, and `recover` has the same revision answer again."""
    shop.deploy("1.0")
    end(shop, what="caddy")
    assert shop.serving() == ""
    assert "nobody reaches it, for its proxy does not run" in shop.lockgate("status")[2]
    code, result, progress = shop.lockgate("recover")
    assert (code, result["message"]) == (0, "production: whole again")
    assert "answers again" in progress
    assert_only(shop, "1.0")
    assert shop.lockgate("recover")[1]["message"] == "nothing to recover"


def test_a_deploy_after_the_proxy_died_can_go_back(shop):
    """The proxy first, then the rollout as ever."""
    shop.deploy("1.0")
    end(shop, what="caddy")
    code, result, _ = shop.deploy("1.1", errors_behind_proxy=True)
    assert (code, result["decision"]) == (51, "rolled_back")
    assert_only(shop, "1.0")


def test_the_release_before_dies_in_the_middle_of_a_rollout_that_fails(shop, tmp_path):
    """The traffic cannot go back to it, which is told; `recover` brings it up, judges it, and ends the one that failed."""
    fault = tmp_path / "fault"
    shop.pause("20s")
    shop.deploy("1.0")
    shop.build("1.1", fault_file=str(fault))
    process = shop.start("deploy", "production")
    shop.wait_for("happened.shifted", count=2, process=process)
    end(shop, what="1.0")
    fault.touch()
    code, result, _ = shop.finish(process)
    assert (code, result["reason_code"], result["decision"]) == (52, "rollback_failed", "broken")
    code, result, progress = shop.lockgate("recover")
    assert (code, result["data"]["recovered"][0]["data"]["kind"]) == (0, "revive"), progress
    assert_only(shop, "1.0")
    assert shop.lockgate("recover")[1]["message"] == "nothing to recover"
    assert shop.deploy("1.2")[1]["decision"] == "deployed"


def test_a_release_that_cannot_be_brought_up_again_is_broken_until_it_can(shop, tmp_path):
    """Nobody is served, so nothing passes; what should serve is not forgotten, and comes back with the next `recover`."""
    gone = tmp_path / "database"
    gone.touch()
    shop.deploy("1.0", exit_unless=str(gone))
    end_everything(shop)
    gone.unlink()
    for words in (["recover"], ["recover", "production"]):
        code, result, _ = shop.lockgate(*words)
        assert (code, result["decision"], result["reason_code"]) == (52, "broken", "service_exited")
    assert "who used it is not served" in result["message"]
    gone.touch()
    assert shop.lockgate("recover")[0] == 0
    assert_only(shop, "1.0")


def test_a_release_that_cannot_be_brought_up_again_is_replaced_by_one_that_can(shop, tmp_path):
    """A repair is not refused because of what it repairs."""
    gone = tmp_path / "database"
    gone.touch()
    shop.deploy("1.0", exit_unless=str(gone))
    end_everything(shop)
    gone.unlink()
    code, result, progress = shop.deploy("1.1")
    assert (code, result["decision"]) == (0, "deployed"), progress
    assert_only(shop, "1.1")


def test_after_a_rollback_that_was_refused_there_is_room_for_a_fix(shop):
    """Both serve, because the old one may not work with what the migration left; the next release takes it from there."""
    shop.config["environments"]["production"]["migration"] = {"backward_compatible": False}
    shop.pause("20s")
    shop.deploy("1.0")
    code, result, _ = shop.deploy("1.1", errors_behind_proxy=True)
    assert (result["decision"], result["reason_code"]) == ("broken", "rollback_refused")
    assert shop.lockgate("recover")[1]["message"] == "nothing to recover"
    code, result, progress = shop.deploy("1.2")
    assert (code, result["decision"]) == (0, "deployed"), progress
    assert "gets all of the traffic, to make room for what comes" in progress
    assert_only(shop, "1.2")


def test_an_environment_that_cannot_be_recovered_keeps_no_other_waiting(shop):
    """What is wrong with the first is told, and the exit code is its own; the second is brought up all the same."""
    environments = shop.config["environments"]
    staging = {**environments["production"], "target": {**environments["production"]["target"], "port": free_port()}}
    shop.config["environments"] = {**environments, "staging": staging}
    shop.write()
    shop.build("1.0")
    for name in shop.config["environments"]:
        assert shop.lockgate("deploy", name)[0] == 0
    end_everything(shop)
    damaged = shop.state / "targets" / "shop" / "production" / "revisions" / "blue-x.json"
    damaged.write_text("{")
    code, result, progress = shop.lockgate("recover")
    damaged.unlink()
    assert (code, result["reason_code"]) == (77, "state_damaged")
    assert f"production: {damaged} is damaged" in progress
    assert shop.serving() == ""
    shop.port = staging["target"]["port"]
    assert shop.serving() == "1.0"
