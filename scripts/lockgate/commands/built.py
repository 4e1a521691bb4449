"""What `lockgate build` made on this machine last."""

import json

from lockgate.commands.project import Project
from lockgate.core.release import Artifact, Release
from lockgate.errors import ArtifactMissingError


def built_here(project: Project) -> Release:
    """Give the release that the last build here made; raise ArtifactMissingError."""
    try:
        built = json.loads((project.state / "results" / "build.json").read_text(encoding="utf-8"))
        return Release(project.config.service, built["version"], built["commit"], Artifact.parse(built["image"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactMissingError(
            "There is nothing to deploy.",
            why="No artifact was named, and nothing was built here yet.",
            fix="Run `lockgate build` first, or name an artifact with --image KIND:NAME@sha256:...",
        ) from error
