"""`lockgate run`: the whole pipeline on this machine, without GitHub, by the same stage commands the workflows call."""

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import replace

from lockgate.commands.project import Project, failure
from lockgate.core.reasons import Decision
from lockgate.core.result import Result, Seconds
from lockgate.core.run_summary import HEADER, rows, summary
from lockgate.errors import InterruptedByUserError, LockgateError

_GOOD = {Decision.PASSED, Decision.DEPLOYED}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--approve", action="store_true", help="approve every environment that needs it, for scripts")
    parser.add_argument("--to", metavar="ENVIRONMENT", help="stop after this environment (default: go through all)")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Run the stages one after another and stop at the first that is not good; its reason is this result's."""
    started = project.clock.monotonic()
    results: list[Result] = []
    project.state  # noqa: B018 - a place that cannot be written is told now, not after the tests
    for name, words in _stages(project, arguments):
        project.console.step(f"── {' '.join([name, *words[:1]])}")
        result = stage(project, name, words)
        results.append(result)
        if result.decision not in _GOOD:
            break
    last = results[-1]
    project.console.table("", HEADER, rows(results))
    total = project.clock.monotonic() - started
    return Result(
        "run",
        last.decision,
        last.reason,
        last.message,
        service=project.config.service,
        environment=last.environment,
        version=last.version,
        commit=last.commit,
        image=last.image,
        url=last.url,
        seconds=Seconds(total, sum(r.seconds.tool for r in results), sum(r.seconds.watching for r in results)),
        budgets=tuple(line for r in results for line in r.budgets),
        data={"stages": [r.to_dict() for r in results]},
        summary=summary(results),
    )


def stage(project: Project, name: str, words: list[str]) -> Result:
    """Run one command as the command line would, and keep its result; an error is a result here."""
    command = importlib.import_module(f"lockgate.commands.{name}")
    parser = argparse.ArgumentParser(prog=f"lockgate {name}")
    command.add_arguments(parser)
    try:
        result: Result = command.run(project, parser.parse_args(words))
    except InterruptedByUserError:
        raise
    except LockgateError as error:
        project.console.bad(str(error))
        result = replace(failure(error, name), environment=words[0] if words else "")
    project.keep(result)
    return result


def _stages(project: Project, arguments: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    if arguments.to:
        project.environment(arguments.to)
    yield from (("test", []), ("scan", []), ("build", []))
    if project.config.scan.looks_at_artifacts:
        yield "scan", ["--built"]
    for environment in project.config.environments:
        yield "deploy", [environment, *(["--approve"] if arguments.approve else [])]
        if environment == arguments.to:
            return
