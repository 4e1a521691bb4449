"""The container engine of this machine, looked for only when a revision is a container."""

from collections.abc import Callable
from functools import cached_property

from lockgate.adapters.engine_cli import Engine, detect
from lockgate.adapters.local.container import ContainerLauncher
from lockgate.adapters.local.launch import Handle, Start
from lockgate.commands.project import Project
from lockgate.core.config import BuilderKind
from lockgate.errors import BuilderMissingError


def engine(project: Project) -> Engine:
    """Find docker, or podman, or the one the config asks for; raise BuilderMissingError."""
    env = project.runner.child_env()
    kind = project.config.build.kind
    if kind in {BuilderKind.DOCKER, BuilderKind.PODMAN}:
        return detect(kind, env, to_build=False)
    try:
        return detect(BuilderKind.DOCKER, env, to_build=False)
    except BuilderMissingError:
        return detect(BuilderKind.PODMAN, env, to_build=False)


class ContainersWhenNeeded:
    """A `Launcher` that asks for the engine at its first use: bundles are deployed where there is none."""

    def __init__(self, make: Callable[[], ContainerLauncher]) -> None:
        self._make = make

    @cached_property
    def _launcher(self) -> ContainerLauncher:
        return self._make()

    def start(self, start: Start) -> Handle:
        """See `Launcher.start`."""
        return self._launcher.start(start)

    def alive(self, handle: Handle) -> bool:
        """See `Launcher.alive`."""
        return self._launcher.alive(handle)

    def listening_ports(self, handle: Handle) -> frozenset[int]:
        """See `Launcher.listening_ports`."""
        return self._launcher.listening_ports(handle)

    def ending(self, handle: Handle) -> str:
        """Say how a container ended."""
        return self._launcher.ending(handle)

    def find(self, revision_id: str) -> Handle | None:
        """Find a container whose start was cut off before its handle was kept."""
        return self._launcher.find(revision_id)

    def stop(self, handle: Handle, grace: float) -> None:
        """See `Launcher.stop`."""
        self._launcher.stop(handle, grace)
