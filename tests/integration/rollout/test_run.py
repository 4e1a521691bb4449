"""The whole pipeline on one machine, and the person at the terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
import time


def prepare(shop, **test):
    shop.config["scan"] = {"vulnerabilities": "off", "misconfiguration": False}
    shop.config["test"].update(test)
    shop.config["environments"]["production"]["approval"] = "required"
    shop.write()
    shop.build("1.0")


def test_run_takes_a_release_from_its_tests_to_production(shop):
    """Test, scan, build, deploy: one table, one result, every stage in it."""
    prepare(shop)
    code, result, progress = shop.lockgate("run", "--approve", LOCKGATE_VERSION="1.0")
    assert (code, result["decision"], shop.serving()) == (0, "deployed", "1.0")
    stages = result["data"]["stages"]
    assert [s["command"] for s in stages] == ["test", "scan", "build", "scan", "deploy"]
    assert result["seconds"]["total"] >= sum(s["seconds"]["total"] for s in stages)
    measured = {line["name"]: line for line in result["budgets"]}
    assert {"build", "image", "deploy", "availability"} <= set(measured)
    kept = shop.lockgate("history")[1]["data"]["deployments"][0]["metadata"]["budgets"]
    assert [line for line in kept["release"] if line["kept"] is not None] == [measured["build"], measured["image"]]
    recorded = {line["name"]: line["measured"] for line in kept["rollout"]}
    assert 0 < recorded["deploy"] <= measured["deploy"]["measured"]
    assert recorded["availability"] == measured["availability"]["measured"]
    assert "Lockgate" in progress


def test_run_stops_at_the_first_stage_that_says_no(shop):
    """Failing tests: nothing is built, nothing is deployed, the exit code is theirs."""
    prepare(shop, command="echo broken; exit 1")
    code, result, progress = shop.lockgate("run", "--approve")
    assert (code, result["reason_code"]) == (21, "tests_failed")
    assert [s["command"] for s in result["data"]["stages"]] == ["test"]
    assert shop.serving() == ""
    assert "broken" in progress


def test_run_says_first_that_it_can_keep_nothing(shop):
    """A state directory that cannot be made is told before the tests have run for nothing."""
    prepare(shop, command="touch ran")
    code, result, _ = shop.lockgate("run", "--approve", "--state-dir", "/proc/lockgate")
    assert (code, result["reason_code"]) == (70, "state_not_writable")
    assert not (shop.root / "ran").exists()


def test_run_needs_a_yes(shop):
    """Nobody can be asked here: production is not touched."""
    prepare(shop)
    code, result, _ = shop.lockgate("run")
    assert (code, result["reason_code"], shop.serving()) == (53, "approval_denied", "")


def ask(shop, reply):
    """Run deploy at a terminal and answer its question; give the exit code and the screen."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lockgate", "deploy", "production"],
        cwd=shop.root,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        start_new_session=True,
    )
    os.close(slave)
    screen, answered = "", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            screen += os.read(master, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            break
        if not answered and "[y/N]" in screen:
            os.write(master, reply)
            answered = True
    os.close(master)
    return process.wait(timeout=30), screen


def test_a_person_at_the_terminal_decides(shop):
    """The question names what goes where; no is no, yes deploys, and the record says who said it."""
    prepare(shop)
    code, screen = ask(shop, b"n\n")
    assert (code, shop.serving()) == (53, "")
    assert re.search(r"Deploy shop 1\.0 \([0-9a-f]{12}\) to production\? \[y/N\]", screen)
    assert "not approved" in screen
    code, screen = ask(shop, b"y\n")
    assert (code, shop.serving()) == (0, "1.0"), screen
    _, history, _ = shop.lockgate("history")
    assert "in the terminal by" in history["data"]["deployments"][0]["metadata"]["approval"]


def test_ctrl_c_in_a_stage_ends_what_it_started(shop):
    """The test command and its children are gone before Lockgate is; so with the signal of a cancelled job."""
    for number in (signal.SIGINT, signal.SIGTERM):
        prepare(shop, command="echo $$ > pid; sleep 300 & wait")
        pid_file = shop.root / "pid"
        process = shop.start("test")
        deadline = time.monotonic() + 20
        while not (pid_file.exists() and pid_file.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.02)
        group = int(pid_file.read_text())
        process.send_signal(number)
        code, result, _ = shop.finish(process)
        assert (code, result["reason_code"]) == (130, "interrupted")
        assert not alive(group)
        pid_file.unlink()


def alive(group):
    """Whether a process of the group runs; one that nobody collected does not."""
    told = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(int(g) == group and not stat.startswith("Z") for g, stat in map(str.split, told.splitlines()))
