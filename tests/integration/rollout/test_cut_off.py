"""Rollouts that are interrupted, killed, or robbed of their disk: nothing is left half switched."""

import signal
import socket
import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest

WATCHED = ["intended.deploy_preview", "intended.analyse", "intended.shift", "happened.shifted"]


def assert_only(shop, version):
    """One revision has all the traffic, is alive, and answers."""
    assert shop.serving() == version
    _, status, _ = shop.lockgate("status")
    (row,) = status["data"]["environments"]
    assert (row["traffic"], row["alive"], row["verified"]) == (f"100% {version}", True, "yes")


@pytest.mark.parametrize(
    ("kind", "number"), [*((kind, signal.SIGINT) for kind in WATCHED), ("happened.shifted", signal.SIGTERM)]
)
def test_a_signal_leaves_nothing_half_switched(shop, kind, number):
    """Ctrl-C, or GitHub's cancel, at any stage: the rollout is undone before the process ends."""
    shop.deploy("1.0")
    shop.build("1.1")
    process = shop.start("deploy", "production")
    shop.wait_for(kind, count=shop.journal().count(kind) + 1, process=process)
    process.send_signal(number)
    code, result, _ = shop.finish(process)
    assert result["reason_code"] == "interrupted"
    assert (code, result["decision"]) in {(130, "aborted"), (51, "rolled_back")}
    assert_only(shop, "1.0")


@pytest.mark.parametrize("kind", [*WATCHED, "intended.retire"])
def test_a_killed_rollout_is_recovered(shop, kind):
    """SIGKILL at any stage: `recover` finishes or undoes, and running it twice changes nothing."""
    shop.deploy("1.0")
    shop.build("1.1")
    process = shop.start("deploy", "production")
    shop.wait_for(kind, count=shop.journal().count(kind) + 1, process=process)
    process.kill()
    process.communicate()
    expire_lease(shop)
    code, result, progress = shop.lockgate("recover")
    assert code == 0, progress
    assert_only(shop, "1.1" if kind == "intended.retire" else "1.0")
    before = shop.journal()
    code, result, _ = shop.lockgate("recover")
    assert (code, result["message"]) == (0, "nothing to recover")
    assert shop.journal() == before


def kill_midway(shop):
    """A deploy of 1.1 that is killed with the traffic split; its lease is still its own."""
    shop.deploy("1.0")
    shop.build("1.1")
    process = shop.start("deploy", "production")
    shop.wait_for("happened.shifted", count=2, process=process)
    process.kill()
    process.communicate()


def test_recover_right_after_the_kill_waits_for_the_lease(shop):
    """As the next step of the same job does: the dead one's lease is not given back, it expires."""
    kill_midway(shop)
    end_lease_in(shop, 4)
    code, result, progress = shop.lockgate("recover", "production")
    assert (code, result["decision"]) == (0, "passed"), progress
    assert "has the lease until" in progress
    assert_only(shop, "1.0")


def test_recover_beside_a_rollout_that_lives_is_refused_at_its_heartbeat(shop):
    """It waits only as long as nothing says that the holder lives."""
    kill_midway(shop)
    recovering = shop.start("recover", "production")
    wait_until_it_waits(recovering)
    end_lease_in(shop, 50)
    code, result, _ = shop.finish(recovering)
    assert (code, result["reason_code"]) == (54, "lease_held")
    end_lease_in(shop, 0)
    assert shop.lockgate("recover")[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_the_lease(shop, number):
    """At once, with nothing changed, and without a word about a bug."""
    kill_midway(shop)
    before = shop.journal()
    recovering = shop.start("recover", "production")
    wait_until_it_waits(recovering)
    began = time.monotonic()
    recovering.send_signal(number)
    code, result, _ = shop.finish(recovering)
    assert (code, result["reason_code"]) == (130, "interrupted")
    assert time.monotonic() - began < 5
    assert shop.journal() == before
    end_lease_in(shop, 0)
    assert shop.lockgate("recover")[0] == 0


def wait_until_it_waits(process):
    while "has the lease until" not in process.stderr.readline():
        assert process.poll() is None


def test_the_next_deploy_recovers_first(shop):
    """Nobody has to know that the last one died."""
    kill_midway(shop)
    expire_lease(shop)
    code, result, progress = shop.deploy("1.2")
    assert (code, result["decision"]) == (0, "deployed")
    assert "was cut off; recovering" in progress
    assert_only(shop, "1.2")


def test_a_second_rollout_is_told_who_holds_the_lease(shop):
    """It changes nothing, and says who, and until when."""
    shop.deploy("1.0")
    shop.build("1.1")
    process = shop.start("deploy", "production")
    shop.wait_for("intended.analyse", count=4, process=process)
    code, result, _ = shop.lockgate("deploy", "production")
    assert (code, result["reason_code"]) == (54, "lease_held")
    assert "is being deployed by" in result["message"]
    assert shop.finish(process)[0] == 0


def test_a_damaged_ledger_stops_before_anything_changes(shop):
    """A file that is not a ledger is never written over."""
    shop.build("1.0")
    ledger = shop.state / "ledger.db"
    ledger.write_bytes(b"not a database, " * 300)
    code, result, _ = shop.lockgate("deploy", "production")
    assert (code, result["reason_code"]) == (72, "ledger_damaged")
    ledger.unlink()


def test_a_state_directory_that_cannot_be_written_is_said(shop):
    """The state directory is a file: clear error, its own code, no traceback."""
    (shop.root / "blocked").write_text("")
    code, result, _ = shop.lockgate("deploy", "production", "--state-dir", str(shop.root / "blocked"))
    assert (code, result["reason_code"]) == (70, "state_not_writable")


def test_a_taken_port_is_said(shop):
    """Somebody else's program keeps its port and is not touched."""
    with socket.create_server(("127.0.0.1", shop.port)):
        code, result, _ = shop.deploy("1.0")
        assert (code, result["reason_code"], result["decision"]) == (63, "port_taken", "aborted")


@pytest.mark.parametrize("room", [0, 4096])
def test_a_disk_that_fills_up_undoes_the_rollout(shop, room):
    """What cannot be journaled is not begun; the way back does not need the disk, and `recover` closes the record."""
    shop.deploy("1.0")
    shop.build("1.1")
    size = (shop.state / "ledger.db").stat().st_size
    code, result, progress = shop.finish(shop.start("deploy", "production", largest_file=size + room))
    assert result["reason_code"] == "disk_full", progress
    assert code in {71, 51}
    assert shop.serving() == "1.0"
    expire_lease(shop)
    assert shop.lockgate("recover")[0] == 0
    assert_only(shop, "1.0")
    assert "in_progress" not in {d["status"] for d in shop.lockgate("history")[1]["data"]["deployments"]}


def expire_lease(shop):
    """Stand in for the minute after which a dead holder's lease is free."""
    end_lease_in(shop, -60)


def end_lease_in(shop, seconds):
    """Have every lease end so many seconds from now."""
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    with sqlite3.connect(shop.state / "ledger.db") as db:
        db.execute("update leases set expires_at = ?", (ends.isoformat(),))
