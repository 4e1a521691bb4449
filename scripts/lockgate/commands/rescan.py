"""`lockgate rescan`: scan what runs in each environment again, for what was disclosed since it was deployed.

Nothing is changed. A finding that the policy would block and that no earlier scan of that digest had is reported as
new, and the command then ends as failed, so that a scheduled run tells somebody.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lockgate.adapters.trivy import Trivy
from lockgate.adapters.trivy_binary import find
from lockgate.adapters.trivy_pin import PIN
from lockgate.commands import rescan_running, scan_records, scan_subject
from lockgate.commands.project import Project
from lockgate.commands.rescan_running import Runs
from lockgate.commands.scan import REPORT, record_of
from lockgate.commands.scan_rules import exceptions
from lockgate.commands.scan_session import Session
from lockgate.core import markdown, scan_rules, scan_summary
from lockgate.core.pin import Pin
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Artifact
from lockgate.core.result import Result, Seconds
from lockgate.core.scan_policy import judge
from lockgate.core.scan_summary import Scanned, row
from lockgate.core.vulnerability import Finding, counted

_ANNOTATIONS = 10


@dataclass(frozen=True, slots=True)
class Looked:
    """One artifact that runs, scanned again."""

    artifact: Artifact
    where: tuple[str, ...]
    scanned: Scanned
    new: tuple[Finding, ...]
    """Would block, and was in no earlier scan."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("environment", nargs="*", help="only these environments (default: all)")
    parser.add_argument(
        "--output", metavar="DIR", help="scan nothing: bring what runs there, for a job that may not sign in"
    )
    parser.add_argument(
        "--artifact", metavar="DIR", help="scan what `lockgate rescan --output` brought there; ask no ledger"
    )


def run(project: Project, arguments: argparse.Namespace, *, binary: Path | None = None, pin: Pin = PIN) -> Result:
    """Scan again; raise StageError where something that runs could not be judged."""
    started = project.clock.monotonic()
    named = [project.runner.input("environment")] if project.runner.input("environment") else []
    names = arguments.environment or named or list(project.config.environments)
    if output := arguments.output or project.runner.input("output"):
        return _bring(project, names, Path(output), started)
    found = binary or find(Path(sys.executable).parent, project.runner.bare_env().get("PATH", ""), pin)
    trivy = Trivy(found, pin)
    trivy.verify_ahead()
    given = arguments.artifact or project.runner.input("artifact")
    running = rescan_running.brought(Path(given)) if given else [one for one, _ in rescan_running.read(project, names)]
    looked = [_look(project, trivy, one) for one in running]
    for one in looked:
        _tell(project, one)
    return _result(project, looked, Seconds(project.clock.monotonic() - started, tool=trivy.seconds))


def _bring(project: Project, names: list[str], folder: Path, started: float) -> Result:
    brought = rescan_running.bring(project, rescan_running.read(project, names), folder)
    message = f"Brought for a scan: {len(brought)} of what runs."
    data = {"running": [{"environments": list(one.where), "artifact": str(one.artifact)} for one in brought]}
    seconds = Seconds(project.clock.monotonic() - started)
    service = project.config.service
    return Result("rescan", Decision.PASSED, Reason.OK, message, service=service, seconds=seconds, data=data)


def _look(project: Project, trivy: Trivy, runs: Runs) -> Looked:
    known, artifact = runs.known, runs.artifact
    with tempfile.TemporaryDirectory(prefix="lockgate-scan-") as temporary, ExitStack() as stack:
        private = Path(temporary)

        def bring(_: Path | None) -> scan_subject.Brought:
            return stack.enter_context(scan_subject.artifact(project, artifact, runs.folder, private))

        scanned = Session(project, trivy, bring, private / REPORT, str(artifact)).scan()
    seen = known.running() if known else None
    policy, rules = scan_rules.policy(project.config.scan), exceptions(project)
    blocking = judge(scanned.report.findings, policy, rules).blocking
    old = {finding.key for finding in known.findings} if known else set()
    scan_records.keep(project, record_of(project, scanned).after(seen))
    return Looked(artifact, runs.where, scanned, tuple(one for one in blocking if one.key not in old))


def _tell(project: Project, looked: Looked) -> None:
    console, where = project.console, ", ".join(looked.where)
    for warning in scan_summary.warnings(looked.scanned, 1.0):
        console.warn(warning)
    if not looked.new:
        console.good(f"{where}: {looked.artifact.short}: nothing new that blocks")
        return
    console.table(f"New in {where}", scan_summary.HEADER, map(row, looked.new[: scan_summary.ROWS_SHOWN]))
    console.bad(f"{where}: {looked.artifact.short}: {counted(looked.new)} disclosed since the last scan")
    for finding in looked.new[:_ANNOTATIONS]:
        project.runner.annotate("error", f"{row(finding)[0]}. {finding.fix}", title=f"new in {where}")


def _result(project: Project, looked: list[Looked], seconds: Seconds) -> Result:
    new = [finding for one in looked for finding in one.new]
    where = ", ".join(dict.fromkeys(place for one in looked if one.new for place in one.where))
    message = f"{counted(new)} new in {where}." if new else "Nothing new that blocks in what runs."
    title = f"### {'✗' if new else '✓'} rescan: {markdown.escape(message)}"
    parts = [title]
    for one in looked:
        parts.append(f"{markdown.escape(', '.join(one.where))}: {markdown.code(str(one.artifact))}")
        if one.new:
            rows = [[markdown.escape(cell) for cell in row(finding)] for finding in one.new[: scan_summary.ROWS_SHOWN]]
            parts.append(markdown.table(scan_summary.HEADER, rows))
    return Result(
        "rescan",
        Decision.FAILED if new else Decision.PASSED,
        Reason.FINDINGS if new else Reason.OK,
        message,
        service=project.config.service,
        seconds=seconds,
        data={
            "running": [
                {
                    "environments": list(one.where),
                    "artifact": str(one.artifact),
                    "new": scan_summary.listed(one.new),
                    "scan": scan_summary.data(one.scanned),
                }
                for one in looked
            ]
        },
        summary="\n\n".join(parts),
    )
