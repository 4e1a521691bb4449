"""`lockgate gate`: judge recorded samples, or a live URL, as a rollout would."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lockgate.adapters import recording_file
from lockgate.adapters.recording_file import Recording
from lockgate.commands import gate_live, gate_settings
from lockgate.commands.gate_settings import Settings
from lockgate.commands.project import Project
from lockgate.core import evidence_chart, gate_summary, replay
from lockgate.core.evidence import share
from lockgate.core.reasons import Decision, Reason
from lockgate.core.recording import Census, NotASampleError
from lockgate.core.result import Result, Seconds
from lockgate.core.samples import GateReport, Objective, Sample, Verdict
from lockgate.errors import UsageError

_ONLY_LIVE = ("path", "rate", "baseline", "record")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("url", nargs="?", help="a live service to judge")
    parser.add_argument(
        "--replay", metavar="FILE", help="recorded samples to judge, one JSON object a line; - is stdin"
    )
    gate_settings.add_arguments(parser)
    parser.add_argument("--baseline", metavar="URL", help="the revision that serves, to compare a live URL with")
    parser.add_argument("--path", help="what to ask a live URL for (default: the environment's probes)")
    parser.add_argument("--rate", metavar="N", help="questions a second to each live URL")
    parser.add_argument("--record", metavar="FILE", help="write the samples of a live URL to this file, for --replay")
    parser.add_argument("--svg", metavar="FILE", help="write the plot of the evidence to this file")


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, however the samples came."""

    report: GateReport
    reached_at: float | None
    data: Mapping[str, Any]
    reason: Reason
    url: str = ""


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Judge; the verdict has the exit code."""
    started = project.clock.monotonic()
    if bool(arguments.replay) == bool(arguments.url):
        raise UsageError(
            "lockgate gate: give either --replay FILE or a URL.",
            fix="For example: lockgate gate --replay samples.jsonl, or lockgate gate http://127.0.0.1:8080",
        )
    settings = gate_settings.read(project, arguments)
    judged = _replay(project, settings, arguments) if arguments.replay else _live(project, settings, arguments)
    report = judged.report
    message = _tell(project, judged)
    if arguments.svg:
        _write(Path(arguments.svg), evidence_chart.svg(report))
    total = project.clock.monotonic() - started
    decision = {Verdict.SUCCESSFUL: Decision.PASSED, Verdict.FAILED: Decision.FAILED}
    told = report.to_dict()
    return Result(
        "gate",
        decision.get(report.verdict, Decision.ERROR),
        judged.reason,
        message,
        environment=settings.environment,
        url=judged.url,
        seconds=Seconds(total, watching=report.seconds if judged.url else 0.0),
        data={**judged.data, "seconds": told["seconds"], "log10_limit": told["log10_limit"], "p95": told["p95"]},
        own={"verdict": report.verdict.value, "reached_at": judged.reached_at, "indicators": told["indicators"]},
        summary=gate_summary.summary(f"gate: {report.verdict}", report),
    )


def _replay(project: Project, settings: Settings, arguments: argparse.Namespace) -> Judged:
    if given := [f"--{name}" for name in _ONLY_LIVE if getattr(arguments, name) is not None]:
        raise UsageError(f"lockgate gate: {', '.join(given)} is for a live URL; a recording holds its own samples.")
    with recording_file.opened(arguments.replay, sys.stdin.buffer) as recording:
        census = _count(recording)
        chosen, left = replay.choose(census, settings.asked, settings.configured)
        project.console.step(
            f"{recording.name}: {census.samples:,} samples over {census.span:.1f} s; {_promises(settings, chosen)}"
        )
        for name, count in left.items():
            project.console.warn(f"{name}: {count:,} samples are not judged; --objective {name}=99% would")
        spec = settings.spec(chosen, compare=census.has_baseline)
        whole = settings.duration is None
        replayed = replay.judge(_first(recording, census), spec, census, whole=whole)
    counts = {"samples": census.samples, "judged": replayed.judged, "not_judged": dict(left)}
    return Judged(
        replayed.report, round(replayed.reached_at, 3) if census.samples else None, counts, replayed.report.reason
    )


def _live(project: Project, settings: Settings, arguments: argparse.Namespace) -> Judged:
    settings = replace(settings, gate=gate_settings.probes(settings, arguments))
    chosen = gate_live.choose(settings)
    project.console.step(f"{arguments.url}: {_promises(settings, chosen)}")
    report, interrupted = gate_live.judge(project, settings, chosen, arguments)
    reason = Reason.INTERRUPTED if interrupted else report.reason
    return Judged(report, report.seconds, {"baseline": arguments.baseline or ""}, reason, arguments.url)


def _count(recording: Recording) -> Census:
    """Read a whole recording before judging any of it: every line must be a sample, in order of time."""
    census = Census()
    for number, sample in recording.samples():
        try:
            census.add(sample)
        except NotASampleError as error:
            raise recording.unreadable(number, str(error)) from None
    return census


def _first(recording: Recording, census: Census) -> Iterator[Sample]:
    """Give the samples that were counted, and none that was written since."""
    for (_number, sample), _ in zip(recording.samples(), range(census.samples), strict=False):
        yield sample


def _tell(project: Project, judged: Judged) -> str:
    console, report = project.console, judged.report
    at = "" if judged.reached_at is None else f" at {judged.reached_at:g} s"
    text = f"{report.verdict}{at}: {report.message}"
    match report.verdict:
        case Verdict.SUCCESSFUL:
            console.good(text)
        case Verdict.FAILED:
            console.bad(text)
        case _:
            console.warn(text)
    console.show(gate_summary.lines(report))
    for example in gate_summary.examples(report):
        console.external(example)
    return text


def _promises(settings: Settings, chosen: tuple[Objective, ...]) -> str:
    whose = f"{settings.environment}'s settings" if settings.environment else "the default settings"
    promised = ", ".join(f"{o.indicator} {share(1 - o.limit)}" for o in chosen)
    return f"{promised} by {whose}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"lockgate gate: {path} cannot be written: {error.strerror}.") from error
