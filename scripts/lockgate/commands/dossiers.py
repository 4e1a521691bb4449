"""Make a release's dossier when it is built, carry it with the artifact, find it again when it is deployed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lockgate.adapters import dossier_file
from lockgate.adapters.state import make_directory
from lockgate.commands.project import Project
from lockgate.core import dossier as model
from lockgate.core.dossier import Dossier, Source
from lockgate.core.release import Release
from lockgate.errors import DossierInvalidError


def begin(project: Project, release: Release, build: Mapping[str, Any], output: Path | None) -> Dossier:
    """Join what the stages before the build found, and keep it here and in the folder that travels."""
    given = project.runner.input("evidence")
    found = dossier_file.evidence(given) if given else list(_found_here(project, release.commit))
    source = Source(*project.runner.source, project.runner.run_url)
    dossier = _joined(Dossier(release, source, build), found)
    dossier_file.write(_place(project, release), dossier)
    if output:
        dossier_file.write(output / dossier_file.NAME, dossier)
    return dossier


def find(project: Project, release: Release, folder: Path | None) -> Dossier | None:
    """Give the dossier of a release, with what was found since; None where it has none. Raise DossierInvalidError."""
    brought = dossier_file.read(folder / dossier_file.NAME) if folder else None
    dossier = brought or dossier_file.read(_place(project, release))
    if dossier is None:
        return None
    known = dossier.release
    # What people call a release may be said anew at every deploy; what it is may not.
    if (known.service, known.commit, known.artifact) != (release.service, release.commit, release.artifact):
        if not brought:
            return None  # the same content was built here from another commit
        raise DossierInvalidError(
            f"The dossier is that of {known.artifact}, commit {known.commit or '(none)'}; {release.artifact}, commit "
            f"{release.commit or '(none)'}, is to be deployed.",
            why="Evidence about one release says nothing about another.",
            fix="Hand over the folder as `lockgate build --output` wrote it.",
        )
    return _joined(dossier, dossier_file.evidence(project.runner.input("evidence")))


def _joined(dossier: Dossier, found: list[Mapping[str, Any]]) -> Dossier:
    try:
        return dossier.with_evidence(found)
    except ValueError as error:
        raise DossierInvalidError(
            f"The evidence is not about {dossier.release.artifact}, commit {dossier.release.commit}: {error}.",
            fix="Hand on what the stages of this very run found.",
        ) from error


def _found_here(project: Project, commit: str) -> Iterator[Mapping[str, Any]]:
    """What the stages found on this machine, where that was about this commit."""
    for name in ("test", "scan"):
        try:
            result = json.loads((project.state_path / "results" / f"{name}.json").read_text(encoding="utf-8"))
            one = model.evidence(result)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        # A scan of an artifact is about an earlier build.
        if one and one["commit"] == commit and not one["subject"]:
            yield one


def _place(project: Project, release: Release) -> Path:
    folder = make_directory(project.state / "dossiers")
    return folder / f"{release.artifact.digest.removeprefix('sha256:')}.json"
