"""What travels from the job that builds to the one that deploys: a directory with artifact.json and the tar beside it.

A file from another job is text from outside: it is believed only where the digest it names is the digest of what came.
"""

import json
from pathlib import Path
from typing import Any

from lockgate.adapters.state import explained, write_json
from lockgate.core.release import COMMIT, Artifact, Release
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


def write(directory: Path, release: Release, size: int, *, run: str = "") -> None:
    """Write artifact.json; raise StateError. `run` is GitHub's number of the run that hands over, if one does."""
    note = {
        "artifact": str(release.artifact),
        "version": release.version,
        "commit": release.commit,
        "size": size,
        "run": run,
    }
    write_json(directory / _NOTE, note)


def is_here(directory: Path) -> bool:
    """Whether anything was handed over; an image in a registry needs nothing but its name."""
    return (directory / _NOTE).exists()


def read(directory: Path, service: str, *, run: str = "", commit: str = "") -> Release:
    """Read artifact.json; raise ArtifactMissingError, ArtifactMismatchError.

    `run` and `commit` are those of the run on GitHub that reads. What names no other run is held to its commit.
    """
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
        version, built = note["version"], note["commit"]
        if not isinstance(version, str) or not isinstance(built, str):
            raise TypeError("version and commit are text")  # noqa: TRY301 - one place says what is wrong
        if built and not COMMIT.fullmatch(built):
            raise ValueError("its commit is none")  # noqa: TRY301
        release = Release(service, version, built, Artifact.parse(str(note["artifact"])))
        from_here = (note.get("run") or run) == run
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactMismatchError(
            f"{path} is not what `lockgate build` writes: {error}.", fix="Hand over the directory as it was written."
        ) from error
    if commit and from_here and built != commit:
        raise ArtifactMismatchError(
            f"{path} names the commit {built[:12] or '(none)'}, and this run is for {commit[:12]}.",
            why="What a run builds is built from its commit: somebody changed this on the way.",
            fix="Run the pipeline again; if it happens again, find out who can write to its artifacts.",
        )
    return release
