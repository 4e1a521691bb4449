"""`lockgate test`: run the user's tests, believe their reports, hold the coverage to its minimum.

What was judged ends as a Result, good or bad, with everything that was counted; what could not be judged is raised.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lockgate.adapters import report_files
from lockgate.adapters.process import Completed, run_shell
from lockgate.commands.project import Project
from lockgate.commands.test_verdict import Seen, judge, last_line, praise
from lockgate.core import coverage, junit, report_xml, test_summary
from lockgate.core.junit import Failure
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import BudgetLine, Result, Seconds
from lockgate.errors import (
    CommandMissingError,
    ConfigInvalidError,
    ReportMalformedError,
    ReportMissingError,
    TestsTimedOutError,
)

_ANNOTATIONS = 10
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`test` takes everything from the config."""


def run(project: Project, arguments: argparse.Namespace) -> Result:  # noqa: ARG001 - see add_arguments
    """Run the tests; raise StageError where nothing could be judged."""
    started = project.clock.monotonic()
    seen = _execute(project)
    minimum = project.config.budgets.coverage
    verdict = judge(seen, minimum)
    _annotate(project, seen)
    message = verdict.what if verdict else praise(seen)
    if verdict:
        project.console.bad(str(verdict))
    else:
        project.console.good(message)
    measured = seen.coverage.share if seen.coverage else None
    kept = None if measured is None else measured >= minimum
    return Result(
        command="test",
        decision=verdict.decision if verdict else Decision.PASSED,
        reason=verdict.reason if verdict else Reason.OK,
        message=message,
        service=project.config.service,
        version=project.version,
        commit=project.commit,
        seconds=Seconds(project.clock.monotonic() - started, tool=seen.completed.seconds),
        budgets=(BudgetLine("coverage", minimum, measured, "share", kept),),
        data=test_summary.data(seen.tests, seen.coverage, seen.places, seen.completed.code),
        summary=test_summary.render(
            message,
            passed=verdict is None,
            tests=seen.tests,
            coverage=seen.coverage,
            minimum=minimum,
            tail=seen.completed.tail,
        ),
    )


def _execute(project: Project) -> Seen:
    config, root = project.config.test, project.root
    if not config.command.strip():
        raise ConfigInvalidError(
            f"test.command is not set in {project.config_path.name}: there is nothing to run.",
            fix='Say how the tests are run, for example command: "python -m pytest --junitxml=junit.xml '
            '--cov --cov-report=xml". Nothing is shipped untested.',
        )
    wanted = {
        name: report_files.locate(root, path, f"test.{name}")
        for name, path in (("junit", config.junit), ("coverage", config.coverage))
        if path.strip()
    }
    for path in wanted.values():
        report_files.remove_stale(root, path)
    project.console.step(f"running: {config.command}")
    completed = run_shell(
        config.command,
        cwd=root,
        env=project.runner.child_env(),
        timeout=config.timeout,
        on_line=project.console.external,
    )
    _must_have_run(completed, project)
    return _read(root, wanted, completed)


def _must_have_run(completed: Completed, project: Project) -> None:
    config = project.config.test
    if completed.timed_out:
        raise TestsTimedOutError(
            f"The tests were ended after {config.timeout:g} s.",
            why=f"They did not finish in time. The last they printed: {last_line(completed.tail)}",
            fix="Find the test that hangs, or raise test.timeout.",
        )
    if completed.code in {_NOT_FOUND, _NOT_EXECUTABLE}:
        raise CommandMissingError(
            f"The test command could not be started: {config.command}",
            why=last_line(completed.tail),
            fix="Install what it needs in an earlier step of this job, or correct test.command.",
        )


def _read(root: Path, wanted: Mapping[str, Path], completed: Completed) -> Seen:
    tests, measured, trouble = None, None, None
    try:
        if path := wanted.get("junit"):
            with _explained(path, "junit", "--junitxml"):
                tests = junit.parse(report_files.read(root, path, report_xml.LIMIT_BYTES))
        if path := wanted.get("coverage"):
            with _explained(path, "coverage", "--cov --cov-report=xml"):
                measured = coverage.parse(report_files.read(root, path, report_xml.LIMIT_BYTES))
    except (ReportMissingError, ReportMalformedError) as error:
        trouble = error
    places = tuple(_place(root, failure) for failure in tests.failures) if tests else ()
    return Seen(completed, tests, measured, places, trouble)


@contextmanager
def _explained(path: Path, setting: str, flag: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ReportMalformedError(
            f"{path} cannot be read as a report: {error}.",
            why="Something else writes to this path, or the tests were cut off while writing it.",
            fix=f"Let the test command write test.{setting} anew (pytest: {flag}).",
        ) from error
    except ReportMissingError as error:
        error.why = "The command did not write it, or writes it elsewhere."
        error.fix = (
            f'Let the test command write it (pytest: {flag}), correct test.{setting}, or set it to "" to go without.'
        )
        raise


def _annotate(project: Project, seen: Seen) -> None:
    if seen.tests is None:
        return
    for failure, (file, line) in list(zip(seen.tests.failures, seen.places, strict=True))[:_ANNOTATIONS]:
        project.runner.annotate(
            "error", f"{failure.name}: {failure.message}", file=file, line=line, title="test failed"
        )
    more = seen.tests.failed + seen.tests.errors - _ANNOTATIONS
    if more > 0:
        project.runner.annotate("error", f"{more} more tests failed; see the job summary.", title="tests failed")


def _place(root: Path, failure: Failure) -> tuple[str, int]:
    """Where a failure happened: the likeliest place that is a file of this project."""
    found = ((report_files.inside(root, place.file), place.line) for place in failure.places)
    return next(((file, line) for file, line in found if file), ("", 0))
