"""`lockgate test` on real commands: what they do, what they leave behind, and what is believed."""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockgate.commands import test as command
from lockgate.core.config import Budgets, Config, TestConfig
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import (
    CommandMissingError,
    ConfigInvalidError,
    NoTestsError,
    ReportMalformedError,
    ReportMissingError,
    TestsTimedOutError,
)
from tests.fixtures.stage import Stage, stage

ENV = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
"""Without what would make a pytest inside these tests write into the coverage of this one."""
PYTHON = shlex.quote(sys.executable)
GOOD = '<testsuite><testcase classname="a" name="one"/><testcase classname="a" name="two"/></testsuite>'
BAD = '<testsuite><testcase name="one"/><testcase classname="a" name="two"><failure message="2 is not 3">tests/a.py:4: no</failure></testcase></testsuite>'
COVERED = '<coverage line-rate="0.95" lines-valid="100" lines-covered="95"><packages/></coverage>'


@pytest.fixture
def given(tmp_path):
    """Run the test stage on this directory with a shell command."""

    def run(shell: str, **settings: object) -> Result:
        return run_stage(tmp_path, shell, **settings)[0]

    return run


def run_stage(root: Path, shell: str, **settings: object) -> tuple[Result, Stage]:
    config = Config("shop", test=TestConfig(**{"command": shell, "timeout": 30.0, **settings}))
    made = stage(root, config, {**ENV, "LOCKGATE_SECRET": "not for tests"})
    return command.run(made.project, argparse.Namespace()), made


def writing(junit: str = GOOD, coverage: str = COVERED, code: int = 0) -> str:
    return f"printf %s {shlex.quote(junit)} > junit.xml; printf %s {shlex.quote(coverage)} > coverage.xml; exit {code}"


def test_passes_with_counts_and_coverage(given):
    """A good run passes, and says what was counted, how long it took and that the budget was kept."""
    result = given(writing())
    assert (result.decision, result.reason, result.exit_code) == (Decision.PASSED, Reason.OK, 0)
    assert result.message == "2 passed, coverage 95.00 %"
    assert result.data["tests"]["passed"] == 2
    assert result.data["coverage"]["share"] == 0.95
    assert result.budgets[0].kept is True
    assert 0 < result.seconds.tool <= result.seconds.total
    json.dumps(result.to_dict())


def test_real_pytest(tmp_path):
    """Pytest with pytest-cov, as most callers run it: the failure is named, placed, annotated and in the summary."""
    (tmp_path / "test_shop.py").write_text("def test_sum():\n    total = 1 + 1\n    assert total == 3\n")
    shell = f"{PYTHON} -m pytest -q -p no:cacheprovider --junitxml=junit.xml --cov=. --cov-report=xml"
    result, made = run_stage(tmp_path, shell)
    assert (result.decision, result.reason, result.exit_code) == (Decision.FAILED, Reason.TESTS_FAILED, 21)
    assert result.message == "1 of 1 tests failed: test_shop::test_sum."
    assert result.data["failures"] == [
        {"name": "test_shop::test_sum", "message": "assert 2 == 3", "file": "test_shop.py", "line": 3}
    ]
    assert (
        "::error file=test_shop.py,line=3,title=test failed::test_shop::test_sum: assert 2 == 3" in made.log.getvalue()
    )
    assert "assert total == 3" in result.summary


def test_failures_in_the_report_decide_though_the_command_exits_with_0(given):
    """`pytest || true` does not pass."""
    result = given(writing(junit=BAD))
    assert result.reason is Reason.TESTS_FAILED
    assert "exited with 0 all the same" in result.message


def test_exit_code_decides_though_the_report_is_good(given):
    """A command that fails after its tests passed fails the stage."""
    result = given(writing(code=3))
    assert result.reason is Reason.TESTS_FAILED
    assert "exit code 3 though no test in its report failed" in result.message


def test_failing_command_without_report_has_failed(given):
    """The exit code said no: that the report is missing too is told, and does not hide it."""
    result = given("echo 'make: *** no rule'; exit 2")
    assert result.reason is Reason.TESTS_FAILED
    assert "no report" in result.message
    assert "no rule" in result.summary


def test_killed_command_has_failed(given):
    """A command ended by a signal, as by the kernel when memory runs out, has failed."""
    assert "signal 9" in given("kill -9 $$").message


def test_report_of_an_earlier_run_is_not_believed(tmp_path, given):
    """A report that was there before the command is deleted first."""
    (tmp_path / "junit.xml").write_text(GOOD)
    (tmp_path / "coverage.xml").write_text(COVERED)
    with pytest.raises(ReportMissingError, match=r"junit\.xml"):
        given("true")


def test_missing_coverage_report(given):
    """A coverage report that was promised and is not there is an error that says how to write it."""
    with pytest.raises(ReportMissingError, match="--cov-report=xml"):
        given(f"printf %s {shlex.quote(GOOD)} > junit.xml")


@pytest.mark.parametrize(
    ("junit", "coverage"),
    [
        ("<html>", COVERED),
        ("", COVERED),
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>', COVERED),
        (GOOD, "not xml"),
        (GOOD, '<coverage line-rate="1.7"/>'),
        (GOOD, "<coverage/>"),
    ],
)
def test_malformed_report(given, junit, coverage):
    """A report that cannot be read is "could not judge", with exit code 24."""
    with pytest.raises(ReportMalformedError) as caught:
        given(writing(junit, coverage))
    assert caught.value.exit_code == 24
    assert caught.value.decision is Decision.ERROR


def test_coverage_below_its_minimum(tmp_path):
    """Too little coverage fails, names where most is lost, and never rounds up to the minimum."""
    lines = "".join(f'<line number="{n}" hits="0"/>' for n in range(1, 11))
    coverage = (
        '<coverage line-rate="0.9" lines-valid="100000" lines-covered="89999"><packages><package><classes>'
        f'<class filename="shop/pay.py"><lines>{lines}</lines></class></classes></package></packages></coverage>'
    )
    result, made = run_stage(tmp_path, writing(coverage=coverage))
    assert (result.reason, result.exit_code) == (Reason.COVERAGE_BELOW_MINIMUM, 25)
    assert result.message == "Coverage is 89.99 %, below the minimum of 90.00 %."
    assert "shop/pay.py (10 of 10 lines missed)" in made.console.getvalue()
    assert "shop/pay.py" in result.summary
    assert result.budgets[0].kept is False


def test_coverage_at_its_minimum_passes(tmp_path):
    """The minimum itself is enough."""
    coverage = '<coverage line-rate="0.9" lines-valid="10" lines-covered="9"/>'
    config = Config("shop", test=TestConfig(command=writing(coverage=coverage)), budgets=Budgets(coverage=0.9))
    made = stage(tmp_path, config, ENV)
    assert command.run(made.project, argparse.Namespace()).decision is Decision.PASSED


@pytest.mark.parametrize("code", [0, 5])
@pytest.mark.parametrize("junit", ["<testsuite/>", '<testsuite><testcase name="a"><skipped/></testcase></testsuite>'])
def test_no_test_executed_is_never_a_pass(given, junit, code):
    """Nothing collected, or everything skipped, was not judged."""
    with pytest.raises(NoTestsError) as caught:
        given(writing(junit, code=code))
    assert caught.value.exit_code == 26


def test_without_reports_the_exit_code_decides(given):
    """A project that writes no reports can say so; nothing is claimed about counts or coverage then."""
    result = given("true", junit="", coverage="")
    assert result.decision is Decision.PASSED
    assert result.data["tests"] is None
    assert result.budgets[0].measured is None
    assert result.budgets[0].kept is None
    assert given("false", junit="", coverage="").reason is Reason.TESTS_FAILED


@pytest.mark.parametrize("shell", ["", "  "])
def test_tests_are_not_optional_silently(given, shell):
    """No command is a config error, not a pass."""
    with pytest.raises(ConfigInvalidError, match=r"test\.command is not set"):
        given(shell)


@pytest.mark.parametrize("shell", ["no-such-program-anywhere", "./plain.txt"])
def test_command_that_does_not_exist(tmp_path, given, shell):
    """A program that is not there, or cannot be executed, is told apart from tests that fail."""
    (tmp_path / "plain.txt").write_text("hello")
    with pytest.raises(CommandMissingError) as caught:
        given(shell)
    assert caught.value.exit_code == 20


def test_hanging_tests_are_ended_with_all_their_children(tmp_path, given):
    """Past the timeout the whole group is ended; nothing is left running."""
    with pytest.raises(TestsTimedOutError) as caught:
        given("sleep 61 & echo $! > child; echo waiting; wait", timeout=0.5)
    assert caught.value.exit_code == 22
    assert "waiting" in caught.value.why
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while _runs(child):
        assert time.monotonic() < deadline, "the child of the test command is still running"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("setting", ["junit", "coverage"])
@pytest.mark.parametrize("path", ["../outside.xml", "/etc/outside.xml", "a/../../outside.xml", "src/app.py"])
def test_reports_elsewhere_are_refused(given, setting, path):
    """A report outside the project, or a path that is no XML file, is a config error before anything runs."""
    with pytest.raises(ConfigInvalidError, match=setting):
        given("touch ran", **{setting: path})


def test_project_may_be_named_by_a_roundabout_path(tmp_path):
    """With `--config ../shop/lockgate.yml` the reports are still inside the project."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "shop").mkdir()
    result, _ = run_stage(tmp_path / "elsewhere" / ".." / "shop", writing())
    assert result.decision is Decision.PASSED


def test_link_in_place_of_a_report_is_refused_and_its_goal_is_kept(tmp_path, given):
    """A symbolic link is neither followed nor deleted."""
    (tmp_path / "precious.xml").write_text(GOOD)
    (tmp_path / "junit.xml").symlink_to(tmp_path / "precious.xml")
    with pytest.raises(ReportMalformedError, match="not a plain file"):
        given("true")
    assert (tmp_path / "precious.xml").read_text() == GOOD


def test_link_made_by_the_command_is_not_followed(given):
    """A command cannot present a file from elsewhere as its report."""
    with pytest.raises(ReportMalformedError, match="plain file"):
        given("ln -s /etc/hostname junit.xml")


def test_folder_that_leads_outside_is_refused(tmp_path, tmp_path_factory, given):
    """A linked folder on the way to the report is refused too."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "junit.xml").write_text(GOOD)
    (tmp_path / "reports").symlink_to(outside)
    with pytest.raises(ReportMalformedError, match="leads out"):
        given("true", junit="reports/junit.xml")
    assert (outside / "junit.xml").exists()


@pytest.mark.parametrize("make", ["mkfifo junit.xml", "mkdir junit.xml"])
def test_pipe_or_folder_in_place_of_a_report(given, make):
    """Reading a report never waits for a pipe, nor stumbles over a folder."""
    with pytest.raises(ReportMalformedError, match="plain file"):
        given(make)


def test_huge_report_is_refused(given):
    """A report of 51 MB is refused by its size, unread."""
    with pytest.raises(ReportMalformedError, match="limit"):
        given("truncate -s 51M junit.xml")


def test_output_cannot_command_the_runner(tmp_path):
    """What the tests print is shown live, fenced; it cannot set an output or hide a line."""
    _, made = run_stage(tmp_path, "echo '::set-output name=image::evil'; echo '##[group]x';" + writing())
    assert "        | ::set-output" in made.console.getvalue()
    assert "##[group]" not in made.console.getvalue()
    assert "set-output" not in made.log.getvalue()


def test_tests_do_not_see_our_variables(tmp_path, given):
    """The command gets no variable that lets a process speak for this job."""
    given("env > seen; " + writing())
    assert "LOCKGATE_" not in (tmp_path / "seen").read_text()


def test_annotations_are_bounded(tmp_path):
    """Ten failures are annotated, the others counted; those without a place still are."""
    cases = "".join(f'<testcase name="t{n}"><failure/></testcase>' for n in range(60))
    result, made = run_stage(tmp_path, writing(junit=f"<testsuite>{cases}</testsuite>", code=1))
    assert made.log.getvalue().count("title=test failed") == 10
    assert "50 more tests failed" in made.log.getvalue()
    assert len(result.data["failures"]) == 50
    assert "and 50 more" in result.summary


def test_failure_in_a_file_that_is_not_ours_has_no_place(tmp_path, given):
    """A trace through other people's code, or to a file that does not exist, annotates no file."""
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("")
    junit = '<testsuite><testcase name="t"><failure>at (node_modules/x.js:3) (/etc/passwd.x:1) (gone.js:9)</failure></testcase></testsuite>'
    assert given(writing(junit=junit)).data["failures"][0]["file"] == ""


def test_as_a_command(tmp_path):
    """`lockgate test` on a real config ends with the exit code of its reason, and one JSON result."""
    (tmp_path / "lockgate.yml").write_text(
        "service: shop\nbuild: {bundle: {start: run}}\ntest: {command: ./run-tests}\n"
    )
    (tmp_path / "run-tests").write_text(f"#!/bin/sh\n{writing(junit=BAD, code=1)}\n")
    (tmp_path / "run-tests").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "lockgate", "test", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(command.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 21, done.stderr
    result = json.loads(done.stdout)
    assert (result["decision"], result["reason_code"]) == ("failed", "tests_failed")
    assert "Traceback" not in done.stderr
