"""The command line itself: help, typos, pipes, and what happens when Lockgate has a bug."""

import json
import subprocess
import sys

import pytest

from lockgate.usage import COMMANDS
from tests import forked


def lockgate(*words, cwd, **env):
    return subprocess.run(
        [sys.executable, "-m", "lockgate", *words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_and_version_answer(tmp_path):
    """Every command is listed; the version is one line."""
    told = lockgate("--help", cwd=tmp_path)
    assert told.returncode == 0
    assert all(f"\n  {name} " in told.stdout for name in COMMANDS)
    assert lockgate(cwd=tmp_path).stdout == told.stdout
    assert lockgate("--version", cwd=tmp_path).stdout.startswith("lockgate ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_options(name, tmp_path):
    """`--help` works without a config, and names the options every command has."""
    told = forked.run([name, "--help"], cwd=tmp_path, env={"HOME": str(tmp_path)})
    assert told.returncode == 0
    assert "--config" in told.stdout
    assert "--json" in told.stdout


def test_a_typo_is_met_with_a_suggestion(tmp_path):
    """Exit 2, and the nearest command."""
    told = lockgate("depoly", cwd=tmp_path)
    assert told.returncode == 2
    assert 'Did you mean "deploy"?' in told.stderr
    assert lockgate("deploy", "--nonsense", cwd=tmp_path).returncode == 2


def test_an_action_that_is_missing_or_mistyped_is_met_like_a_command(tmp_path):
    """With an example, and with the nearest one."""
    told = lockgate("ledger", cwd=tmp_path)
    assert told.returncode == 2
    assert "which of migrate, verify, export, replay, forget?\nfix: For example: lockgate ledger verify" in told.stderr
    told = lockgate("ledger", "verfy", cwd=tmp_path)
    assert told.returncode == 2
    assert 'there is no action "verfy".\nfix: Did you mean "verify"? See lockgate ledger --help.' in told.stderr


@pytest.mark.parametrize("place", ["lockgate.yml", "lockgate.yml/state"])
def test_a_file_where_the_state_directory_should_be_is_called_a_file(place, tmp_path):
    """No right to write would help."""
    (tmp_path / "lockgate.yml").write_text("service: shop\nbuild: {kind: docker}\nenvironments: {staging: {}}\n")
    told = lockgate("status", "--state-dir", place, cwd=tmp_path)
    assert told.returncode == 70
    assert f"fix: {tmp_path / 'lockgate.yml'} is a file: name a folder with --state-dir" in told.stderr


def test_errors_reach_the_outputs_the_summary_and_the_log(tmp_path):
    """On GitHub a missing config is an annotation, an output and a summary, and not a traceback."""
    output, summary = tmp_path / "output", tmp_path / "summary"
    told = lockgate(
        "validate",
        cwd=tmp_path,
        GITHUB_ACTIONS="true",
        GITHUB_OUTPUT=str(output),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert told.returncode == 10
    assert "::error title=lockgate validate::" in told.stdout
    assert "Traceback" not in told.stderr
    assert "reason-code<<" in output.read_text()
    assert "config_missing" in output.read_text()
    assert "lockgate validate" in summary.read_text()


def test_json_is_json_even_for_errors(tmp_path):
    """Standard output holds the result and nothing else."""
    told = lockgate("status", "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["reason_code"] == "config_missing"


def test_a_summary_that_cannot_be_written_hides_no_error(tmp_path):
    """The error is told all the same."""
    told = lockgate("validate", cwd=tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "such" / "folder"))
    assert told.returncode == 10
    assert "could not be written" in told.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    """`lockgate history | head -1` ends quietly."""
    (tmp_path / "lockgate.yml").write_text(
        "service: shop\ntest: {command: 'true'}\nbuild: {bundle: {start: run}}\nenvironments: {staging: {}}\n"
    )
    pipe = subprocess.run(
        ["/bin/bash", "-c", f"{sys.executable} -m lockgate status | true; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert pipe.stdout.strip() == "0", pipe.stderr
    assert "Traceback" not in pipe.stderr


PLANTED = """pa"ss'\\-planted-7f3a"""
BUGGY = """
import sys
from lockgate import cli
from lockgate.commands import status
def broken(project, arguments):
    secret = project.runner.secret(project.config.secret_variables[0])
    try:
        {}[secret]
    except KeyError as error:
        raise ValueError(f"no {secret} at postgres://shop:hunter2@db.internal/shop") from error
status.run = broken
sys.argv = ["lockgate", "status"]
sys.exit(cli.main())
"""


def test_what_is_told_of_a_bug_holds_no_secret(tmp_path):
    """Neither the file that is to be reported nor the message: not what the config calls a secret, nor what looks like one."""
    (tmp_path / "lockgate.yml").write_text("service: shop\nbuild: {kind: docker}\nsecrets: {DB: {env: SHOP_DB}}\n")
    env = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "SHOP_DB": PLANTED}
    told = subprocess.run(
        [sys.executable, "-c", BUGGY], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert told.returncode == 99
    (report,) = tmp_path.glob("lockgate-bug-*.txt")
    written = told.stdout + told.stderr + report.read_text()
    assert "in broken" in report.read_text()
    assert "KeyError: '***'" in report.read_text()
    assert "planted" not in written
    assert "hunter2" not in written
    assert "ValueError: no *** at ***db.internal/shop" in told.stderr


def on_a_full_disk(*words, cwd):
    argv = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, *words]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "SHOP_DB": PLANTED}
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("command", ["init", "build"])
def test_a_full_disk_is_told_whatever_was_to_be_written(command, tmp_path):
    """A file of the person's or a temporary one: the same exit code, and no half of it is left."""
    config = "service: shop\nbuild: {kind: bundle, bundle: {start: ./serve}}\n"
    (tmp_path / "shop.yml").write_text(config)
    words = ["init"] if command == "init" else ["build", "--config", "shop.yml"]
    told = on_a_full_disk("-m", "lockgate", *words, cwd=tmp_path)
    assert told.returncode == 71, told.stderr
    assert "fix: Free some space" in told.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["shop.yml"]


def test_a_bug_on_a_full_disk_is_confessed_too(tmp_path):
    """What cannot be kept in a file is said: a traceback of the report would hide the bug itself."""
    (tmp_path / "lockgate.yml").write_text("service: shop\nbuild: {kind: docker}\nsecrets: {DB: {env: SHOP_DB}}\n")
    told = on_a_full_disk("-c", BUGGY, cwd=tmp_path)
    assert told.returncode == 99
    assert "ValueError: no ***" in told.stderr
    assert "could not be written" in told.stderr
    assert "Traceback" not in told.stderr


def test_ctrl_c_while_it_is_being_loaded_is_told_too(tmp_path):
    """A person is quicker than Python: also then it is a line and an exit code of its own, no traceback."""
    (tmp_path / "argparse.py").write_text("raise KeyboardInterrupt")
    told = lockgate("validate", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (told.returncode, told.stderr) == (130, "\nInterrupted.\n")


def test_a_bug_is_confessed_without_a_traceback(tmp_path):
    """The traceback goes to a file that can be reported; the person reads what to do."""
    program = (
        "import sys; from lockgate import cli; cli._run = lambda *_: 1 / 0; "
        "sys.argv = ['lockgate', 'status']; sys.exit(cli.main())"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert told.returncode == 99
    assert "a bug in Lockgate" in told.stderr
    assert "Traceback" not in told.stderr
    (report,) = tmp_path.glob("lockgate-bug-*.txt")
    assert "ZeroDivisionError" in report.read_text()
