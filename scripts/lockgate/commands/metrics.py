"""`lockgate metrics`: how often, how fast, how often wrong, and how long until right again. See docs/metrics.md."""

import argparse
from pathlib import Path

from lockgate.commands.ledgers import open_ledger
from lockgate.commands.project import Project
from lockgate.core import metrics_report as report
from lockgate.core.metrics import Counted, Period, Question
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="?", help="only this environment (default: all of them)")
    parser.add_argument("--since", default="90d", metavar="WHEN", help="90d, 12w or a day (default: 90d)")
    parser.add_argument("--until", default="", metavar="DAY", help="the last day, in UTC (default: now)")
    parser.add_argument("--by", default="week", choices=list(Period), help="day, week or month (default: week)")
    parser.add_argument("--all-services", action="store_true", help="every service in the ledger, not this one alone")
    parser.add_argument("--csv", metavar="FILE", help="write every period to this file too; - writes nothing but that")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Print a table and a chart; the JSON form is in `data.metrics`."""
    if arguments.csv == "-" and arguments.json:
        raise UsageError("lockgate metrics: --csv - and --json both want standard output.", fix="Choose one.")
    name = arguments.environment or ""
    project = project.aside() if arguments.csv == "-" else project
    several = not name or bool(project.environment(name).targets)
    asked = _question(project, arguments, "" if several else name)
    # An environment with several targets has a row for itself and one for each of them.
    counted = [
        one for one in open_ledger(project).metrics(asked) if not name or f"{one.environment}/".startswith(f"{name}/")
    ]
    if arguments.csv:
        _write(arguments.csv, report.to_csv(counted))
    if arguments.csv != "-":
        _show(project, asked, counted)
    return Result(
        "metrics",
        Decision.PASSED,
        Reason.OK,
        "",
        service=asked.service,
        environment=name,
        data={
            "since": asked.since.isoformat(timespec="seconds"),
            "until": asked.until.isoformat(timespec="seconds"),
            "by": asked.period.value,
            "metrics": report.table(counted),
        },
    )


def _question(project: Project, arguments: argparse.Namespace, environment: str) -> Question:
    service = "" if arguments.all_services else project.config.service
    try:
        now = project.clock.now()
        return report.question((service, environment), arguments.since, arguments.until, Period(arguments.by), now)
    except ValueError as error:
        raise UsageError(f"lockgate metrics: {error}") from error


def _show(project: Project, asked: Question, counted: list[Counted]) -> None:
    several = not asked.service
    title = f"{asked.service or 'all services'}: {asked.since:%Y-%m-%d} to {asked.until:%Y-%m-%d}"
    header = [*(["service"] if several else []), *report.HEADER]
    project.console.table(title, header, report.rows(asked, counted, services=several))
    project.console.show(report.chart(asked, counted, services=several))


def _write(name: str, text: str) -> None:
    if name == "-":
        print(text, end="")
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"lockgate metrics: {name} cannot be written: {error.strerror}.") from error
