"""Caddy as a process that stays: started once for an environment, found again by the next command, never reloaded."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lockgate.adapters.clock import Clock
from lockgate.adapters.local import detached, sockets
from lockgate.adapters.local.caddy import configuration
from lockgate.adapters.local.detached import Detached
from lockgate.adapters.state import explained, write_atomically, write_json
from lockgate.errors import PortTakenError, ProxyMissingError, TargetError
from lockgate.errors.extras import set_up

_START_SECONDS = 10.0
_POLL_SECONDS = 0.02
_STOP_SECONDS = 3.0
_TAIL_CHARACTERS = 2000
_MARK = "LOCKGATE_PROXY"
"""In its environment, with the directory: finds a proxy again whose record was lost."""


class Proxy:
    """The proxy of one environment, living in `directory`, listening on `port` of 127.0.0.1."""

    def __init__(
        self, directory: Path, port: int, *, path: str | None, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._directory = directory
        self._port = port
        self._path = path
        self._clock = clock
        self._say = say
        self._record = directory / "proxy.json"

    def runs(self) -> bool:
        """Whether it runs. Changes nothing."""
        return self._find()[0] is not None

    def ensure(self) -> None:
        """Start it where it does not run. Raise ProxyMissingError, PortTakenError, TargetError or StateError."""
        config = json.dumps(configuration(self._port), indent=1) + "\n"
        fingerprint = hashlib.sha256(config.encode()).hexdigest()
        running, running_fingerprint = self._find()
        if running and running_fingerprint == fingerprint:
            return
        caddy = self._executable()
        # Looked at before anything is ended: users keep the proxy they have where there can be no other.
        if not (running and self._listens(running)):
            self._refuse_taken_port()
        if running:
            # Its port, or this version of Lockgate, is another: the one case in which users may notice a gap.
            self._say("the proxy's settings have changed: restarting it")
            detached.stop(running, _STOP_SECONDS)
        write_atomically(self._directory / "caddy.json", config)
        self._start(caddy, fingerprint)

    def stop(self) -> None:
        """End it, if it runs."""
        running, _ = self._find()
        if running:
            detached.stop(running, _STOP_SECONDS)
        with explained(self._record):
            self._record.unlink(missing_ok=True)

    def _start(self, caddy: Path, fingerprint: str) -> None:
        log = self._directory / "caddy.out"
        # Nothing of this process's environment: a service's proxy needs no secret, and keeps its files in here.
        home = str(self._directory)
        env = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, _MARK: home}
        with explained(log):
            log.write_bytes(b"")
            process = detached.spawn(
                [str(caddy), "run", "--config", "caddy.json"], cwd=self._directory, env=env, log=log
            )
        try:
            write_json(self._record, {**process.to_dict(), "fingerprint": fingerprint})
            self._wait(process, log)
        except BaseException:
            detached.stop(process, _STOP_SECONDS)
            self._record.unlink(missing_ok=True)
            raise

    def _wait(self, process: Detached, log: Path) -> None:
        deadline = self._clock.monotonic() + _START_SECONDS
        while detached.alive(process) and self._clock.monotonic() < deadline:
            if sockets.accepts(self._port) and self._listens(process):
                # Caddy listens with SO_REUSEPORT, so two of them started at the same moment would share the port and
                # the traffic. Each then sees two listeners, and gives up.
                if (sockets.listeners(self._port) or 1) > 1:
                    raise self._taken()
                return
            self._clock.sleep(_POLL_SECONDS)
        said = log.read_text(encoding="utf-8", errors="replace")
        if "address already in use" in said:
            raise self._taken()
        raise TargetError(
            f"The proxy did not start on port {self._port}.",
            why=said.strip()[-_TAIL_CHARACTERS:] or f"It said nothing within {_START_SECONDS:g} s.",
            fix=f"Try it by hand in {self._directory}: caddy run --config caddy.json",
        )

    def _listens(self, process: Detached) -> bool:
        return not sockets.tells() or self._port in sockets.listening(detached.session(process))

    def _refuse_taken_port(self) -> None:
        if not sockets.is_free(self._port):
            raise self._taken()

    def _taken(self) -> PortTakenError:
        owner = sockets.owner(self._port)
        return PortTakenError(
            f"Port {self._port} is taken{f' by {owner}' if owner else ''}.",
            why="Lockgate's proxy must listen there. Nothing was changed.",
            fix="End that program, or give this environment another target.port in lockgate.yml.",
        )

    def _executable(self) -> Path:
        beside = Path(sys.executable).with_name("caddy")
        found = str(beside) if beside.is_file() else shutil.which("caddy", path=self._path)
        if found:
            return Path(found).absolute()
        raise ProxyMissingError(
            "Caddy is not on this machine; the local target needs it to switch traffic.",
            fix=f"{set_up('local')} Or install it from your distribution.",
        )

    def _find(self) -> tuple[Detached | None, str]:
        with explained(self._record):
            text = self._record.read_text(encoding="utf-8") if self._record.exists() else ""
        try:
            value: dict[str, Any] = json.loads(text)
            process, fingerprint = Detached.from_dict(value), str(value["fingerprint"])
        except (ValueError, TypeError, KeyError):
            # Its start was cut off, or its record was removed or damaged. Without a fingerprint it is started anew.
            return detached.find(_MARK, str(self._directory)), ""
        if detached.alive(process):
            return process, fingerprint
        # The start of its successor may have been cut off before that was recorded.
        return detached.find(_MARK, str(self._directory)), ""
