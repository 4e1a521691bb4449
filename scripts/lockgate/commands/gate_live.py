"""Judge a live URL, alone or beside another."""

import argparse
from dataclasses import replace
from urllib.parse import urlsplit

from lockgate.adapters.signals import StopSignal
from lockgate.adapters.watch import Endpoint, StoppedError, Watcher
from lockgate.commands.gate_settings import Settings, probes
from lockgate.commands.progress import WatchProgress
from lockgate.commands.project import Project
from lockgate.core.gate import Gate
from lockgate.core.samples import GateReport, Objective, Role
from lockgate.errors import UsageError


def choose(settings: Settings) -> tuple[Objective, ...]:
    """Give the objectives to judge by: the configured ones, as the command line changes them. Raise UsageError."""
    known = {objective.indicator: objective for objective in settings.configured}
    for asked in settings.asked:
        if asked.indicator not in known:
            raise UsageError(
                f'lockgate gate: a live URL has no indicator "{asked.indicator}".', fix=f"It has: {', '.join(known)}."
            )
        known[asked.indicator] = asked
    return tuple(known.values())


def judge(
    project: Project, settings: Settings, chosen: tuple[Objective, ...], arguments: argparse.Namespace
) -> tuple[GateReport, bool]:
    """Watch until the gate decides; give its report, and whether a signal ended it before."""
    endpoints = [Endpoint(_base(arguments.url), {}, Role.CANDIDATE)]
    if arguments.baseline is not None:
        endpoints.append(Endpoint(_base(arguments.baseline), {}, Role.BASELINE))
    gate = Gate(settings.spec(chosen, compare=len(endpoints) > 1))
    stop = StopSignal()
    tell = WatchProgress(project.console, "gate")
    reached = 0.0

    def progress(gate: Gate, t: float) -> None:
        nonlocal reached
        reached = t
        tell(gate, t)

    watcher = Watcher(probes(settings, arguments), settings.budgets.response, stop.asked, progress)
    with stop.listening():
        try:
            return watcher.judge(gate, endpoints), False
        except StoppedError:
            report = gate.so_far(reached)
            return replace(report, message=f"stopped by {stop.name}; so far {report.message}"), True
        finally:
            project.console.done()


def _base(url: str) -> str:
    """Check a URL that paths are added to."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.fragment
        good = good and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError(
            f'lockgate gate: expected a URL like http://127.0.0.1:8080, got "{url}".',
            fix="Without a query; what to ask for is said by --path or the environment's probes.",
        )
    return url.rstrip("/")
