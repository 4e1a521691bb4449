"""`lockgate scan`: let Trivy look at the source, or at the artifact that will be deployed, and decide by the policy.

Findings that block end as a Result. What was not judged is never a pass: it is raised, or, where the config allows the
vulnerabilities to be left out, said loudly.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lockgate.adapters import handover
from lockgate.adapters.state import explained
from lockgate.adapters.trivy import FORMATS, Trivy
from lockgate.adapters.trivy_binary import find
from lockgate.adapters.trivy_pin import PIN
from lockgate.commands import scan_records, scan_subject
from lockgate.commands.built import built_here
from lockgate.commands.ledgers import open_ledger
from lockgate.commands.project import Project
from lockgate.commands.scan_session import Session
from lockgate.core import openvex, scan_record, scan_rules, scan_summary
from lockgate.core.pin import Pin
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Artifact
from lockgate.core.result import Result, Seconds
from lockgate.core.running import Running
from lockgate.core.scan_record import ScanRecord
from lockgate.core.scan_summary import ROWS_SHOWN, Scanned, headline, row, unjudged
from lockgate.core.vulnerability import order
from lockgate.errors import StateError, UsageError

OLD_DAYS = 1.0
"""A database is built every six hours; one older than this was not refreshed."""
REPORT = "report.json"
VEX = "exceptions.openvex.json"
_ANNOTATIONS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--image", help="the artifact to scan, by digest, as `build` named it (default: the source)")
    parser.add_argument("--artifact", help="the folder that `lockgate build --output` wrote: scan what it holds")
    parser.add_argument("--built", action="store_true", help="scan what `lockgate build` made here last")
    parser.add_argument("--against", help="the environment whose release it is held against (default: the last one)")
    parser.add_argument("--output", help="a folder for the reports: SARIF, CycloneDX, SPDX, OpenVEX and scan.json")


def run(
    project: Project,
    arguments: argparse.Namespace,
    *,
    binary: Path | None = None,
    pin: Pin = PIN,
) -> Result:
    """Scan and judge; raise StageError where that was not possible. `binary` and `pin` are the seams of the tests."""
    started = project.clock.monotonic()
    found = binary or find(Path(sys.executable).parent, project.runner.bare_env().get("PATH", ""), pin)
    trivy = Trivy(found, pin)
    trivy.verify_ahead()
    folder = _path(getattr(arguments, "artifact", None) or project.runner.input("artifact"))
    image = getattr(arguments, "image", None) or project.runner.input("image")
    if not image and getattr(arguments, "built", False):
        image = str(built_here(project).artifact)
    what = _named(project, image, folder)
    output = _path(getattr(arguments, "output", None) or project.runner.input("output"))
    running, against = _running(project, getattr(arguments, "against", None) or project.runner.input("against"))
    with tempfile.TemporaryDirectory(prefix="lockgate-scan-") as temporary, ExitStack() as stack:
        private = Path(temporary)

        def bring(database: Path | None) -> scan_subject.Brought:
            if what is None:
                return scan_subject.source(project, database)
            return stack.enter_context(scan_subject.artifact(project, what, folder, private))

        session = Session(project, trivy, bring, private / REPORT, str(what) if what else "", running, against)
        scanned = session.scan()
        record = record_of(project, scanned).after(running)
        if what:
            scan_records.keep(project, record)
        sboms = _write(project, trivy, private / REPORT, record, output) if output else {}
    _tell(project, scanned)
    return _result(project, scanned, sboms, Seconds(project.clock.monotonic() - started, tool=trivy.seconds))


def _result(project: Project, scanned: Scanned, sboms: Mapping[str, str], seconds: Seconds) -> Result:
    blocking = scanned.verdict.blocking
    return Result(
        command="scan",
        decision=Decision.FAILED if blocking else Decision.PASSED,
        reason=Reason.FINDINGS if blocking else Reason.OK,
        message=" ".join(filter(None, [headline(scanned), unjudged(scanned)])),
        service=project.config.service,
        version=project.version,
        commit=project.commit,
        image=scanned.artifact,
        seconds=seconds,
        data={**scan_summary.data(scanned), "sbom": dict(sboms)},
        summary=scan_summary.render(scanned),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _named(project: Project, image: str, folder: Path | None) -> Artifact | None:
    """Give the artifact to scan: named, or what the folder of the build says; None for the source."""
    try:
        if image:
            return Artifact.parse(image)
    except ValueError as error:
        raise UsageError(f"lockgate scan: {error}") from error
    return handover.read(folder, project.config.service).artifact if folder else None


def _running(project: Project, against: str) -> tuple[Running | None, str]:
    """Give the scan of what runs where the release is meant to go, if this machine can ask the ledger."""
    name = against or next(reversed(list(project.config.environments)), "")
    if not name or not (against or project.state_path.is_dir()):
        return None, ""
    environment = project.environment(name)
    try:
        running = scan_records.running(open_ledger(project), project.config.service, environment)
    except StateError as error:
        project.console.warn(f"The ledger could not be asked what runs in {name}: {error.what}")
        return None, ""
    return running, name if running else ""


def record_of(project: Project, scanned: Scanned) -> ScanRecord:
    """Make the compact form of a scan."""
    database = scanned.database
    policy = scan_rules.policy(project.config.scan)
    # What a verdict depends on must be in the record, whatever has to be left out.
    worst = sorted(scanned.verdict.found, key=lambda one: (not policy.minds(one), one.severity.rank, order(one)))
    return scan_record.record(
        scanned.report,
        scanned.artifact,
        at=project.clock.now().isoformat(timespec="seconds"),
        database=database.digest if database else "",
        database_updated=database.updated if database else "",
        worst=tuple(worst),
    )


def _write(project: Project, trivy: Trivy, report: Path, record: ScanRecord, output: Path) -> Mapping[str, str]:
    """Write everything that others read, from the one report that was judged; give the digests of the SBOMs."""
    with explained(output):
        output.mkdir(parents=True, exist_ok=True)
        trivy.convert(report, output)
        shutil.copyfile(report, output / REPORT)
        rules = [rule for rule in scan_rules.rules(project.config.scan) if not rule.over(project.clock.now().date())]
        vex = openvex.write(rules, project.config.service, record.at)
        (output / VEX).write_text(vex, encoding="utf-8")
        scan_records.keep_in(output, record)
        sboms = {name: output / FORMATS[name] for name in ("cyclonedx", "spdx-json")}
        return {name: f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in sboms.items()}


def _tell(project: Project, scanned: Scanned) -> None:
    console = project.console
    if missing := unjudged(scanned):
        console.warn(missing)
        project.runner.annotate("warning", missing, title="not judged")
    for warning in scan_summary.warnings(scanned, OLD_DAYS):
        console.warn(warning)
    verdict = scanned.verdict
    for rule in verdict.ending:
        text = f"The exception for {rule} ends on {rule.until}; ask {rule.owner}."
        project.runner.annotate("warning", text, file=project.config_path.name, title="exception")
    for title, findings in {
        f"Already running in {scanned.against}": verdict.inherited,
        "Accepted by exceptions": tuple(finding for finding, _ in verdict.accepted),
        "Fixed by this release": verdict.fixed,
        "These must not ship": verdict.blocking,
    }.items():
        if findings:
            console.table(title, scan_summary.HEADER, map(row, findings[:ROWS_SHOWN]))
    (console.bad if verdict.blocking else console.good)(headline(scanned))
    for finding in verdict.blocking[:_ANNOTATIONS]:
        text = f"{row(finding)[0]}. {finding.fix}"
        title = f"{finding.severity.lower()} {finding.kind}"
        project.runner.annotate("error", text, file=finding.file, line=finding.line, title=title)
