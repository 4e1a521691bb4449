"""Before a release goes anywhere: what its scan says, held against what runs in that very environment.

The scan's own job has no credential and may not see the ledger; here is where nobody gets past. The record that comes
from that job is text from outside: it counts only for the digest that it names.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.commands import scan_records
from lockgate.commands.rollouts import Rollouts
from lockgate.core.config_scan import Vulnerabilities
from lockgate.core.release import Release
from lockgate.core.scan_record import ScanRecord
from lockgate.errors import ScanMissingError, ScanRefusedError

if TYPE_CHECKING:
    from lockgate.core.scan_policy import Verdict

_NAMED = 5
_DAY = 86_400


def check(rollouts: Rollouts, release: Release, folder: Path | None) -> Mapping[str, Any]:
    """Give what the journal keeps of the scan; raise ScanMissingError, ScanRefusedError."""
    project, wanted = rollouts.project, rollouts.project.config.scan.artifact
    if not project.config.scan.looks_at_artifacts:
        return {}
    record = scan_records.find(project, release.artifact, folder)
    problem = _problem(rollouts, record)
    # What a scan does say counts, however little that is: only what it could not say may be forgiven.
    kept = _held(rollouts, release, record, whole=not problem) if record else {}
    if problem and wanted is Vulnerabilities.REQUIRED:
        raise ScanMissingError(
            f"{release.artifact} is not known to be safe to ship: {problem}",
            why="scan.artifact is `required`.",
            fix=f"Run `lockgate scan --image {release.artifact}`, and hand its folder over with --scan.",
        )
    if problem:
        project.console.warn(f"{problem} {'What its scan does not say' if record else 'What is in it'} was not judged.")
    return kept


def _held(rollouts: Rollouts, release: Release, record: ScanRecord, *, whole: bool) -> Mapping[str, Any]:
    """Hold a record against what runs, once there is one: what that takes is not loaded for others.

    `whole`: whether it says enough to call the release good.
    """
    from lockgate.commands.scan_rules import exceptions  # noqa: PLC0415
    from lockgate.core import scan_rules  # noqa: PLC0415
    from lockgate.core.scan_policy import judge  # noqa: PLC0415
    from lockgate.core.vulnerability import counted  # noqa: PLC0415

    project, name = rollouts.project, rollouts.environment.name
    running = scan_records.running(rollouts.ledger, rollouts.service, rollouts.environment)
    verdict = judge(record.findings, scan_rules.policy(project.config.scan), exceptions(project), running)
    _tell(rollouts, verdict, whole=whole)
    if verdict.blocking:
        ids = list(dict.fromkeys(finding.id for finding in verdict.blocking))
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        raise ScanRefusedError(
            f"{release.version} would bring {counted(verdict.blocking)} to {name}: {', '.join(ids[:_NAMED])}{more}.",
            why="There are more than scan.limit allows in all."
            if verdict.over
            else f"They are not in what runs in {name}, and no exception covers them.",
            fix="Upgrade as the table says, or accept one for a time in scan.exceptions.",
        )
    return _kept(record.after(running))


def _kept(record: ScanRecord) -> Mapping[str, Any]:
    return {"scan": record.to_dict(), "found": record.short()}


def _problem(rollouts: Rollouts, record: ScanRecord | None) -> str:
    """Why a record does not say enough, or ""."""
    if record is None:
        return "It was not scanned by its digest."
    from lockgate.core import scan_rules  # noqa: PLC0415 - see `_held`

    project = rollouts.project
    if not record.database and project.config.scan.vulnerabilities is not Vulnerabilities.OFF:
        return "Its scan could not look for vulnerabilities."
    least = record.findings[-1] if record.findings else None
    if record.left_out and (least is None or scan_rules.policy(project.config.scan).minds(least)):
        return f"It has so many findings that {record.left_out} could not be carried here."
    try:
        age = (project.clock.now() - datetime.fromisoformat(record.at)).total_seconds()
    except (ValueError, TypeError):
        return "Its scan does not say when it was made."
    if age > project.config.scan.max_age:
        return f"It was scanned {age / _DAY:.0f} days ago, and much may have been disclosed since."
    return ""


def _tell(rollouts: Rollouts, verdict: "Verdict", *, whole: bool) -> None:
    from lockgate.core.scan_summary import HEADER, exceptions_said  # noqa: PLC0415 - see `_held`
    from lockgate.core.scan_tables import ROWS_SHOWN, row  # noqa: PLC0415
    from lockgate.core.vulnerability import counted  # noqa: PLC0415

    console, name = rollouts.project.console, rollouts.environment.name
    for line in exceptions_said(verdict):
        console.warn(line)
    for title, findings in {
        f"Already running in {name}": verdict.inherited,
        f"New to {name}": verdict.blocking,
    }.items():
        if findings:
            console.table(title, HEADER, map(row, findings[:ROWS_SHOWN]))
    if verdict.passed and whole:
        inherited = f"; {counted(verdict.inherited)} run there already" if verdict.inherited else ""
        console.good(f"the scan of this digest brings nothing new that blocks to {name}{inherited}")
