"""The compact forms of scans: kept beside the results, handed on between jobs, and read back from the ledger."""

import json
from pathlib import Path

from lockgate.adapters.state import make_directory, write_json
from lockgate.commands.journals import read_journal
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig
from lockgate.core.ledger import Ledger
from lockgate.core.release import Artifact
from lockgate.core.running import Running
from lockgate.core.scan_record import ScanRecord
from lockgate.errors import ScanReportMalformedError

NAME = "scan.json"
_MAX_BYTES = 16_000_000
_LOOKED_BACK = 500


def keep(project: Project, record: ScanRecord) -> None:
    """Keep a record for the next command on this machine; raise StateError."""
    write_json(make_directory(project.state / "scans") / _file_name(record.artifact), record.to_dict())


def keep_in(folder: Path, record: ScanRecord) -> None:
    """Write a record into the folder that is handed on; raise StateError."""
    write_json(folder / NAME, record.to_dict())


def find(project: Project, artifact: Artifact, folder: Path | None) -> ScanRecord | None:
    """Find the scan of exactly this artifact: handed over, else made here; raise ScanReportMalformedError."""
    places = [folder / NAME if folder else None, project.state / "scans" / _file_name(str(artifact))]
    for path in filter(None, places):
        if path.is_file():
            record = read(path)
            if record.artifact == str(artifact):
                return record
    return None


def read(path: Path) -> ScanRecord:
    """Read a record; it may come from another job, so it is believed only as far as it goes."""
    try:
        with path.open("rb") as file:
            return ScanRecord.from_dict(json.loads(file.read(_MAX_BYTES)))
    except (OSError, ValueError, RecursionError) as error:
        raise ScanReportMalformedError(
            f"{path} is not what `lockgate scan` writes: {error}.", fix="Scan again, or hand over the file as it was."
        ) from error


def running(ledger: Ledger, service: str, environment: EnvironmentConfig) -> Running | None:
    """Give the scan of what runs in an environment, as the ledger has it: of a fleet, what all its targets have."""
    names = [f"{environment.name}/{member}" for member in environment.targets] or [environment.name]
    found = [_running(ledger, service, name) for name in names if ledger.standing(service, name)]
    known = [one for one in found if one]
    if not known or len(known) < len(found):
        return None
    first, *rest = known
    findings = tuple(one for one in first.findings if all(other.has(one) for other in rest))
    packages = {
        name: frozenset.intersection(versions, *(other.packages.get(name, frozenset()) for other in rest))
        for name, versions in first.packages.items()
    }
    return Running(first.artifact, findings, packages, first.since)


def earlier(project: Project, ledger: Ledger, service: str, place: str, artifact: Artifact) -> ScanRecord | None:
    """Give the last scan of an artifact that runs: the one made here, else the one it was deployed with."""
    return find(project, artifact, None) or _carried(ledger, service, place)


def _running(ledger: Ledger, service: str, place: str) -> Running | None:
    record = _carried(ledger, service, place)
    return record.running() if record else None


def _carried(ledger: Ledger, service: str, place: str) -> ScanRecord | None:
    """Give the scan that what serves in one place was deployed with."""
    standing = ledger.standing(service, place)
    if standing is None:
        return None
    for deployment in ledger.deployments(service=service, environment=place, limit=_LOOKED_BACK):
        if deployment.metadata.get("digest") != standing.release.artifact.digest:
            continue
        opening = read_journal(ledger, deployment.id)[0].data
        fleet = opening.get("plan", {}).get("fleet", "")
        carried = opening.get("scan") or (read_journal(ledger, fleet)[0].data.get("scan") if fleet else None)
        try:
            return ScanRecord.from_dict(carried)
        except ValueError:
            continue  # the ledger of an earlier version, or a rollout without a scan
    return None


def _file_name(artifact: str) -> str:
    return f"{artifact.rpartition('sha256:')[2] or 'source'}.json"
