"""What travels from the job that builds to the one that deploys: a directory with artifact.json and the tar beside it.

A file from another job is text from outside: it is believed only where the digest it names is the digest of what came.
"""

import json
from pathlib import Path
from typing import Any

from lockgate.adapters.state import explained, write_json
from lockgate.core.release import Artifact, Release
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError

BUNDLE = "bundle.tar"
"""The bundle; `BundleStore.add` takes it."""
IMAGE = "image.tar"
"""The image, where no registry carries it; `Engine.load` takes it."""
LAYOUT = "image"
"""The image as an OCI layout, for a job that scans it and may not sign in to its registry."""
_NOTE = "artifact.json"
_MAX_BYTES = 64 * 1024


def open_directory(directory: Path) -> Path:
    """Make the directory to hand over; raise StateError."""
    with explained(directory):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


def write(directory: Path, release: Release, size: int) -> None:
    """Write artifact.json; raise StateError."""
    note = {
        "artifact": str(release.artifact),
        "version": release.version,
        "commit": release.commit,
        "size": size,
    }
    write_json(directory / _NOTE, note)


def is_here(directory: Path) -> bool:
    """Whether anything was handed over; an image in a registry needs nothing but its name."""
    return (directory / _NOTE).exists()


def read(directory: Path, service: str) -> Release:
    """Read artifact.json; raise ArtifactMissingError, ArtifactMismatchError."""
    path = directory / _NOTE
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES)
    except OSError as error:
        raise ArtifactMissingError(
            f"{path} cannot be read: {error.strerror}.",
            fix="Hand over the directory that `lockgate build --output DIR` wrote.",
        ) from error
    try:
        note: dict[str, Any] = json.loads(text)
        version, commit = note["version"], note["commit"]
        if not isinstance(version, str) or not isinstance(commit, str):
            raise TypeError("version and commit are text")  # noqa: TRY301 - one place says what is wrong
        return Release(service, version, commit, Artifact.parse(str(note["artifact"])))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactMismatchError(
            f"{path} is not what `lockgate build` writes: {error}.", fix="Hand over the directory as it was written."
        ) from error
