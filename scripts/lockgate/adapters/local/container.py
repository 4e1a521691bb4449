"""Starts revisions as containers: nothing to write to, no capabilities, bounded memory, reachable from here only."""

import time
from collections.abc import Mapping
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Protocol

from lockgate.adapters.local import detached
from lockgate.adapters.local.detached import Detached
from lockgate.adapters.local.launch import Handle, Start
from lockgate.adapters.process import Completed
from lockgate.core.redaction import shorten
from lockgate.core.release import Artifact
from lockgate.errors import PortTakenError, TargetError

REVISION_LABEL = "lockgate.revision"
_START_SECONDS = 60.0
_STOP_MARGIN = 15.0
_LOG_SECONDS = 2.0
_POLL_SECONDS = 0.02
_TEXT_LIMIT = 1000
_PIDS = 512
_TMP = "64m"
_LISTEN = "0A"
_STEERING = ("DOCKER_", "BUILDKIT_", "BUILDX_", "CONTAINER", "XDG_", "LD_")
_STEERING_NAMES = {"PATH", "HOME", "TMPDIR"}
"""Variables that the engine's own client reads. A service's value of such a name would steer the client."""


class ContainerEngine(Protocol):
    """What is needed of docker or podman; see `adapters.engine_cli.Engine`."""

    @property
    def program(self) -> str:
        """The client's path."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """What the client sees."""
        ...

    def ask(self, *arguments: str, timeout: float = ..., extra_env: Mapping[str, str] | None = ...) -> Completed:
        """Run the client; `tail` is its answer, or where it failed its complaint."""
        ...

    def resolve(self, artifact: Artifact) -> str:
        """Give the reference to run an image by; raise ArtifactMissingError."""
        ...


class ContainerLauncher:
    """Launches images; see `Launcher`."""

    def __init__(self, engine: ContainerEngine, *, container_port: int, memory: str = "512m") -> None:
        self._engine = engine
        self._port = container_port
        self._memory = memory

    def start(self, start: Start) -> Handle:
        """Start a container and return at once; raise TargetError, PortTakenError, ArtifactMissingError."""
        # PORT is the one inside: the service does not see the port it is published on.
        env = {**start.env, "PORT": str(self._port)}
        if steering := [name for name in env if name.startswith(_STEERING) or name in _STEERING_NAMES]:
            raise TargetError(
                f"The service is given {', '.join(steering)}, which the container engine's client reads itself.",
                fix="Give it another name under `secrets`.",
            )
        reference = self._engine.resolve(start.release.artifact)
        # The values go through the client's environment: a command line can be read by every user of the machine, and
        # an --env-file cannot hold a value of several lines.
        done = self._engine.ask("run", *self._arguments(start, env), reference, timeout=_START_SECONDS, extra_env=env)
        if done.code:
            # An engine that cannot start a container may have created it already. Where it does not say, whoever ends
            # this revision asks again.
            with suppress(TargetError):
                if created := self.find(start.revision_id):
                    self._remove(created["container"])
            raise _not_started(start, done)
        container = done.tail.strip().splitlines()[-1]
        logs = [self._engine.program, "logs", "--follow", container]
        follower = detached.spawn(logs, cwd=Path("/"), env=self._engine.env, log=start.log)
        return {"container": container, "port": start.port, "follower": follower.to_dict()}

    def find(self, revision_id: str) -> Handle | None:
        """Find a container whose start was cut off before its handle was kept; raise TargetError."""
        found = self._listed(f"label={REVISION_LABEL}={revision_id}")
        return {"container": found[0]} if found else None

    def alive(self, handle: Handle) -> bool:
        """Whether the container runs; raise TargetError where the engine does not say."""
        done = self._ask_about(handle, "{{.State.Running}}")
        if done.code and (done.timed_out or self._exists(handle)):
            raise self._silent(done)
        return done.tail.strip() == "true"

    def ending(self, handle: Handle) -> str:
        """Say how it ended, like `exit code 3`; "" where the engine does not know. By then its log is complete."""
        deadline = time.monotonic() + _LOG_SECONDS
        while (follower := _follower(handle)) and detached.alive(follower) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        killed, _, code = self._inspect(handle, "{{.State.OOMKilled}} {{.State.ExitCode}}").partition(" ")
        if killed == "true":
            return f"killed for using more than {self._memory} of memory"
        return f"exit code {code}" if code else ""

    def listening_ports(self, handle: Handle) -> frozenset[int]:
        """The ports the service listens on inside, the one that is published given as the port it is published on.

        Read from the container's own table of sockets, for the engine listens on the published port from the start.
        Empty where the container's process is not one of this machine's (Docker Desktop, a remote engine).
        """
        pid = self._inspect(handle, "{{.State.Pid}}")
        process = Path("/proc") / pid
        try:
            if not pid.isdecimal() or handle["container"] not in (process / "cgroup").read_text():
                return frozenset()
            lines = [line.split() for name in ("tcp", "tcp6") for line in _table(process / "net" / name)]
        except OSError:
            return frozenset()
        inside = {int(fields[1].rpartition(":")[2], 16) for fields in lines if fields[3] == _LISTEN}
        return frozenset(handle.get("port", port) if port == self._port else port for port in inside)

    def stop(self, handle: Handle, grace: float) -> None:
        """Ask it to end, wait up to `grace` seconds, end it, remove it; raise TargetError where the engine cannot."""
        seconds = max(0, ceil(grace))
        self._engine.ask("stop", "--time", str(seconds), handle["container"], timeout=seconds + _STOP_MARGIN)
        done = self._remove(handle["container"])
        if done.code and self._exists(handle):
            raise TargetError(f"Container {handle['container'][:12]} could not be removed.", why=_text(done))
        if follower := _follower(handle):
            detached.stop(follower, _LOG_SECONDS)

    def _arguments(self, start: Start, env: Mapping[str, str]) -> list[str]:
        return [
            "--detach",
            *("--label", f"{REVISION_LABEL}={start.revision_id}"),
            *("--publish", f"127.0.0.1:{start.port}:{self._port}"),
            *("--memory", self._memory),
            *("--pids-limit", str(_PIDS)),
            *("--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges"),
            "--read-only",
            *("--tmpfs", f"/tmp:rw,nosuid,nodev,size={_TMP}"),  # noqa: S108 - the container's own
            "--init",  # else the service is process 1, for which SIGTERM does nothing unless it is handled
            *(word for name in env for word in ("--env", name)),
        ]

    def _remove(self, container: str) -> Completed:
        return self._engine.ask("rm", "--force", "--volumes", container)

    def _exists(self, handle: Handle) -> bool:
        """Whether there is such a container. A failure of another question is no answer to this one."""
        return bool(self._listed(f"id={handle['container']}"))

    def _listed(self, wanted: str) -> list[str]:
        done = self._engine.ask("ps", "--all", "--quiet", "--no-trunc", "--filter", wanted)
        if done.code:
            raise self._silent(done)
        return done.tail.split()

    def _silent(self, done: Completed) -> TargetError:
        return TargetError(
            f"{self._engine.program} does not say what runs.",
            why=_text(done) or f"It gave no answer within {done.seconds:.0f} s.",
            fix="Start the container engine, or wait until it answers, and run again. Nothing was forgotten.",
        )

    def _inspect(self, handle: Handle, template: str) -> str:
        """Give what is good to know and not needed: "" where the engine does not say it."""
        done = self._ask_about(handle, template)
        return "" if done.code else done.tail.strip()

    def _ask_about(self, handle: Handle, template: str) -> Completed:
        return self._engine.ask("container", "inspect", "--format", template, handle["container"])


def _follower(handle: Handle) -> Detached | None:
    """The process that writes the container's output into the log; it ends with the container."""
    return Detached.from_dict(handle["follower"]) if "follower" in handle else None


def _table(path: Path) -> list[str]:
    # proc_net(5): a heading, then `sl local_address rem_address st ...`, with addresses as hex IP:PORT
    return path.read_text().splitlines()[1:] if path.exists() else []


def _not_started(start: Start, done: Completed) -> TargetError:
    said = _text(done)
    if "address already in use" in said or "port is already allocated" in said:
        return PortTakenError(
            f"Port {start.port} on 127.0.0.1 is taken.", why=said, fix="Stop the program that has it, and run again."
        )
    return TargetError(
        f"A container of {start.release.artifact.short} could not be started.",
        why=said or "The engine did not say why.",
        fix="Try it by hand: the image must run with --read-only and without capabilities.",
    )


def _text(done: Completed) -> str:
    return shorten(" ".join(done.tail.split()), _TEXT_LIMIT)
