"""Judge a live URL, alone or beside another."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from lockgate.adapters.probes.hold import Hold, holding
from lockgate.adapters.signals import StopSignal
from lockgate.adapters.state import explained
from lockgate.adapters.watch import Endpoint, StoppedError, Watcher
from lockgate.commands.gate_settings import Settings
from lockgate.commands.judging import means_of
from lockgate.commands.progress import WatchProgress
from lockgate.commands.project import Project
from lockgate.core.config import GateConfig
from lockgate.core.gate import Gate
from lockgate.core.recording import line
from lockgate.core.samples import GateReport, GateSpec, Objective, Role, Sample
from lockgate.errors import UsageError


class _RecordedGate(Gate):
    """A gate that also writes down what it is given."""

    def __init__(self, spec: GateSpec, file: TextIO) -> None:
        super().__init__(spec)
        self._file = file

    def add(self, sample: Sample) -> GateReport | None:
        self._file.write(line(sample))
        return super().add(sample)


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
    spec = settings.spec(chosen, compare=len(endpoints) > 1)
    config = settings.gate
    if arguments.record is None:
        return _watch(project, settings, config, Gate(spec), endpoints)
    path = Path(arguments.record)
    with _writable(path) as file, explained(path):
        found = _watch(project, settings, config, _RecordedGate(spec, file), endpoints)
        file.flush()
        return found


def _watch(
    project: Project, settings: Settings, config: GateConfig, gate: Gate, endpoints: Sequence[Endpoint]
) -> tuple[GateReport, bool]:
    stop = StopSignal()
    tell = WatchProgress(project.console, "gate")
    reached = 0.0

    def progress(gate: Gate, t: float) -> None:
        nonlocal reached
        reached = t
        tell(gate, t)

    means = means_of(project, config)
    held = Hold(config.probes, endpoints[0].url, means) if holding(config.probes) else None
    watcher = Watcher(config, settings.budgets.response, stop.asked, progress, means, held)
    if held:
        held.start()
    with stop.listening():
        try:
            return watcher.judge(gate, endpoints), False
        except StoppedError:
            report = gate.so_far(reached)
            return replace(report, message=f"stopped by {stop.name}; so far {report.message}"), True
        finally:
            if held:
                held.close()
            project.console.done()


def _writable(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"lockgate gate: {path} cannot be written: {error.strerror}.") from error


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
