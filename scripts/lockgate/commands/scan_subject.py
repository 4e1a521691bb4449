"""What is scanned: the source, or the very artifact that will be deployed, brought as files and held to its digest."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockgate.adapters import handover, image_archive, image_pull, registry_login
from lockgate.adapters.bundle import BundleStore
from lockgate.adapters.oci_registry import Credential
from lockgate.adapters.trivy import Subject
from lockgate.commands.containers import engine
from lockgate.commands.project import Project
from lockgate.core import oci
from lockgate.core.release import Artifact, ArtifactKind

_NEVER_SCANNED = (".git", ".venv", ".lockgate")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Brought:
    """A subject on this machine."""

    subject: Subject
    others: tuple[str, ...] = ()
    """Platforms that were not brought."""


def source(project: Project, database: Path | None) -> Brought:
    """Give the project's tree, but for git's own files, the environment, and Lockgate's files: none of them ships."""
    own = [project.state_path, *([database] if database else [])]
    inside = [path.relative_to(project.root).as_posix() for path in own if path.is_relative_to(project.root)]
    skipped = (*sorted({*_NEVER_SCANNED, *inside} - {"."}), *project.config.scan.skip)
    return Brought(Subject("fs", project.root, skipped))


@contextmanager
def artifact(project: Project, what: Artifact, folder: Path | None, private: Path) -> Iterator[Brought]:
    """Bring an artifact: from the folder of the build, from this machine, or from its registry.

    Raise ArtifactMissingError, ArtifactMismatchError.
    """
    handed = folder if folder and handover.is_here(folder) else None
    if what.kind is ArtifactKind.BUNDLE:
        store = BundleStore(project.state / "bundles")
        place = store.add(handed / handover.BUNDLE, what) if handed else store.path(what)
        yield Brought(Subject("rootfs", place))
        return
    archive = handed / handover.IMAGE if handed else private / handover.IMAGE
    layout = handed / handover.LAYOUT if handed else None
    if handed and archive.is_file():
        yield _archive(archive, what)
    elif layout and layout.is_dir():
        found = image_pull.held(layout, what, platform=this_platform())
        yield Brought(Subject("image", layout, image_id=found.image_id), found.others)
    elif _in_a_registry(what):
        pulled = _pull(project, what, private / "image")
        yield Brought(Subject("image", private / "image", image_id=pulled.image_id), pulled.others)
    else:
        engine(project).save(what.digest, archive, timeout=project.config.scan.timeout)
        yield _archive(archive, what)


def credential_for(project: Project, host: str, *, signs_in: bool = False) -> Credential | None:
    """Give what docker or podman left for a registry; on a laptop, for this project's own in Azure, one of its tokens.

    A job on GitHub that scans has no identity of Azure's, and none is asked for: it is handed the image as files.
    Only one that `signs_in` pulls, and scans nothing.
    """
    known = registry_login.known(host, registry_login.places(project.runner.home))
    if known or (project.runner.in_actions and not signs_in) or host not in in_azure(project):
        return known
    from lockgate.commands.azure import registry_login as exchanged  # noqa: PLC0415 - Azure's clients, where wanted

    return Credential(*exchanged(project, host))


def in_azure(project: Project) -> frozenset[str]:
    """Give the addresses of this project's own registries in Azure."""
    return project.config.registries if project.config.azure.tenant else frozenset()


def this_platform() -> str:
    """Give the platform of this machine: of an image for several, the scan looks at that one."""
    machine = platform.machine()
    return f"linux/{_MACHINES.get(machine, machine)}"


def _archive(path: Path, what: Artifact) -> Brought:
    return Brought(Subject("image", path, image_id=image_archive.check(path, what)))


def _in_a_registry(what: Artifact) -> bool:
    try:
        oci.Reference.parse(what.reference)
    except ValueError:
        return False
    return True


def _pull(project: Project, what: Artifact, into: Path) -> image_pull.Pulled:
    project.console.step(f"pulling {what.reference}")
    return image_pull.pull(
        what,
        into,
        platform=this_platform(),
        credential=lambda host: credential_for(project, host),
        env=project.runner.bare_env(),
        timeout=project.config.scan.timeout,
    )
