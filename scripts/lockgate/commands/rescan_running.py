"""What runs, for `rescan`: read from the ledger here, or brought by a job that may see ledger and registry.

Such a job runs nobody's code. It leaves a folder for each artifact, with the image as files and its last scan; the
job that scans has no credential, and holds each image to the digest that names it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lockgate.adapters import handover, image_pull
from lockgate.adapters.state import write_json
from lockgate.commands import scan_records, scan_subject
from lockgate.commands.ledgers import open_ledger
from lockgate.commands.project import Project
from lockgate.core import oci
from lockgate.core.config import EnvironmentConfig
from lockgate.core.redaction import printable, shorten
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.scan_record import ScanRecord
from lockgate.errors import ArtifactMismatchError, ScanMissingError

_LIST = "running.json"
_MAX_BYTES = 64 * 1024
_MOST = 100


@dataclass(frozen=True, slots=True)
class Runs:
    """One artifact that serves somewhere."""

    artifact: Artifact
    where: tuple[str, ...]
    known: ScanRecord | None
    """Its last scan."""
    folder: Path | None = None
    """Where it was brought to."""


def read(project: Project, names: Iterable[str]) -> list[tuple[Runs, Release]]:
    """Ask the ledger what serves in these environments; raise ScanMissingError where it knows of nothing."""
    ledger, service, names = open_ledger(project), project.config.service, list(names)
    places: dict[Artifact, list[str]] = {}
    releases: dict[Artifact, Release] = {}
    for name in names:
        for place in _places(project.environment(name)):
            if standing := ledger.standing(service, place):
                artifact = standing.release.artifact
                places.setdefault(artifact, []).append(place)
                releases[artifact] = standing.release
    if not places:
        raise ScanMissingError(
            f"Nothing runs in {', '.join(names) or 'any environment'}, as far as the ledger knows.",
            fix="Deploy first, or take in what runs by `lockgate adopt`.",
        )
    return [
        (Runs(one, tuple(where), scan_records.earlier(project, ledger, service, where[0], one)), releases[one])
        for one, where in places.items()
    ]


def bring(project: Project, found: Iterable[tuple[Runs, Release]], folder: Path) -> list[Runs]:
    """Pull every image that runs into a folder, with its last scan.

    Raise ScanMissingError, ArtifactMissingError, AzureError.
    """
    brought = []
    for runs, release in found:
        if runs.artifact.kind is not ArtifactKind.IMAGE:
            project.console.warn(
                f"{', '.join(runs.where)}: {runs.artifact} is in no registry; scan it where it was built"
            )
            continue
        place = handover.open_directory(folder / runs.artifact.digest.removeprefix("sha256:"))
        _pull(project, runs.artifact, place / handover.LAYOUT)
        handover.write(place, release, 0)
        if runs.known:
            scan_records.keep_in(place, runs.known)
        brought.append(runs)
    if not brought:
        raise ScanMissingError(
            "Nothing that runs is in a registry.", fix="Scan it on a machine that has it: `lockgate rescan` there."
        )
    listed = [{"artifact": str(one.artifact), "environments": list(one.where)} for one in brought]
    write_json(handover.open_directory(folder) / _LIST, {"running": listed})
    return brought


def brought(folder: Path) -> list[Runs]:
    """Read what `bring` left: text from another job, whose images are held to their digests when they are scanned.

    Raise ArtifactMismatchError, ScanReportMalformedError.
    """
    try:
        with (folder / _LIST).open("rb") as file:
            listed = json.loads(file.read(_MAX_BYTES))["running"]
        if not isinstance(listed, list) or len(listed) > _MOST:
            raise ValueError("it lists no images")  # noqa: TRY301 - one place says what is wrong
        return [_brought(folder, one["artifact"], one["environments"]) for one in listed]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactMismatchError(
            f"{folder} is not what `lockgate rescan --output` writes: {shorten(printable(str(error)), 200)}.",
            fix="Hand over the directory as it was written.",
        ) from error


def _brought(folder: Path, name: str, where: list[str]) -> Runs:
    artifact = Artifact.parse(name)
    place = folder / artifact.digest.removeprefix("sha256:")
    record = scan_records.read(place / scan_records.NAME) if (place / scan_records.NAME).is_file() else None
    known = record if record and record.artifact == name else None
    return Runs(artifact, tuple(shorten(printable(str(one)), 100) for one in where), known, place)


def _places(environment: EnvironmentConfig) -> list[str]:
    return [f"{environment.name}/{member}" for member in environment.targets] or [environment.name]


def _pull(project: Project, artifact: Artifact, into: Path) -> None:
    project.console.step(f"pulling {artifact.short} for its scan")
    ours = oci.Reference.parse(artifact.reference).host in scan_subject.in_azure(project)
    image_pull.pull(
        artifact,
        into,
        platform=scan_subject.this_platform(),
        credential=lambda host: scan_subject.credential_for(project, host, signs_in=True),
        env=project.runner.bare_env(),
        timeout=project.config.scan.timeout,
        ca=project.runner.ca_bundle if ours else None,
    )
