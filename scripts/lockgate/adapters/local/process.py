"""A revision as a process: the bundle's start command, run in the bundle's directory."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from lockgate.adapters.local import detached, sockets
from lockgate.adapters.local.detached import Detached
from lockgate.adapters.local.launch import REVISION, Handle, Start
from lockgate.core.release import Artifact
from lockgate.errors import TargetError

_ENDED_BY_RUNNER = "RUNNER_TRACKING_ID"
"""At the end of a job GitHub's runner ends every process that carries this variable. On a self-hosted runner that
deploys to itself, the service is what must stay."""
_SHELL_NOTES = {126: ", which is the shell's for a command that may not be run",
                127: ", which is the shell's for a command that is not there"}  # fmt: skip


class ProcessLauncher:
    """Starts bundles. `materialise` gives the directory of an artifact; `env` is what every service may see."""

    def __init__(self, *, command: str, materialise: Callable[[Artifact], Path], env: Mapping[str, str]) -> None:
        self._command = command
        self._materialise = materialise
        self._env = {name: value for name, value in env.items() if name != _ENDED_BY_RUNNER}

    def start(self, start: Start) -> Handle:
        """Run the start command as `sh` would, in a session of its own, and return at once."""
        if not self._command:
            raise TargetError(
                "There is no command to start the service with.",
                fix="Set build.bundle.start in lockgate.yml, such as: python -m app --port $PORT",
            )
        directory = self._materialise(start.release.artifact)
        process = detached.spawn(
            ["/bin/sh", "-c", self._command], cwd=directory, env={**self._env, **start.env}, log=start.log
        )
        return process.to_dict()

    def alive(self, handle: Handle) -> bool:
        """Whether the process that was started still runs."""
        return detached.alive(Detached.from_dict(handle))

    def listening_ports(self, handle: Handle) -> frozenset[int]:
        """The TCP ports that it and its children listen on; empty where the machine does not tell."""
        return sockets.listening(detached.session(Detached.from_dict(handle)))

    def ending(self, handle: Handle) -> str:
        """Say how it ended, like `exit code 3`; "" where only another process can know."""
        code = detached.exit_code(Detached.from_dict(handle))
        if code is None:
            return ""
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        return f"exit code {code}{_SHELL_NOTES.get(code, '')}"

    def find(self, revision_id: str) -> Handle | None:
        """Find a revision whose start was cut off before its handle was kept."""
        process = detached.find(REVISION, revision_id)
        return process.to_dict() if process is not None else None

    def stop(self, handle: Handle, grace: float) -> None:
        """SIGTERM to its whole session, up to `grace` seconds, then SIGKILL. One that is gone is stopped."""
        detached.stop(Detached.from_dict(handle), grace)
