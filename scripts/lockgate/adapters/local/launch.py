"""How one revision is started and stopped, as a process or as a container."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lockgate.core.release import Release

Handle = Mapping[str, Any]
"""What a launcher needs to find its revision again in a later process; JSON, kept in the state directory."""
REVISION = "LOCKGATE_REVISION"
"""The variable that tells every process of a revision which one it is."""


@dataclass(frozen=True, slots=True)
class Start:
    """One revision to bring up."""

    revision_id: str
    release: Release
    port: int
    """The port on 127.0.0.1 where the service must answer."""
    env: Mapping[str, str]
    """PORT, LOCKGATE_VERSION, LOCKGATE_COMMIT, LOCKGATE_DIGEST, LOCKGATE_ENVIRONMENT and the configured secrets."""
    log: Path
    """Where the service's output goes."""


class Launcher(Protocol):
    """Starts revisions of one kind."""

    def start(self, start: Start) -> Handle:
        """Start a revision and return at once; raise TargetError where it cannot even be started."""
        ...

    def alive(self, handle: Handle) -> bool:
        """Whether it still runs; a recycled process id is not alive. Raise TargetError where that cannot be known."""
        ...

    def listening_ports(self, handle: Handle) -> frozenset[int]:
        """The TCP ports it listens on, as far as the machine tells; empty where it does not."""
        ...

    def stop(self, handle: Handle, grace: float) -> None:
        """Ask it to end, wait up to `grace` seconds, then end it. One that is gone is stopped; raise TargetError."""
        ...
