"""The revisions of one environment: started, found again, ended. Who gets traffic is not known here."""

import secrets as tokens
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from lockgate.adapters.clock import Clock
from lockgate.adapters.local import sockets
from lockgate.adapters.local.drain import drain
from lockgate.adapters.local.launch import REVISION, Handle, Launcher, Start
from lockgate.adapters.local.readiness import wait_until_listening
from lockgate.adapters.local.revisions import Record, Records
from lockgate.adapters.local.traffic import Slot
from lockgate.adapters.process import GRACE_SECONDS
from lockgate.adapters.state import explained, make_directory
from lockgate.core.release import ArtifactKind, Release
from lockgate.errors import TargetError


@runtime_checkable
class FindsAgain(Protocol):
    """A launcher that finds a revision whose start was cut off before its handle was kept."""

    def find(self, revision_id: str) -> Handle | None:
        """Give its handle, or None where there is none; raise TargetError where that cannot be known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What is needed to bring revisions up and to end them."""

    directory: Path
    records: Records
    launchers: Mapping[ArtifactKind, Launcher]
    environment: str
    secrets: Mapping[str, str]
    start_timeout: float
    clock: Clock
    say: Callable[[str], None]

    def start(self, release: Release, slot: Slot, port: int) -> Record:
        """Bring a release up on a port and wait until it listens; raise TargetError with nothing left running."""
        launcher = self.launcher(release)
        record = Record(f"{slot}-{release.artifact.short}-{tokens.token_hex(3)}", slot, port, release)
        start = Start(record.id, release, port, self._environment_of(record), self._fresh_log(slot))
        self.records.save(record)
        try:
            record = replace(record, handle=launcher.start(start))
            self.records.save(record)
            wait_until_listening(
                launcher,
                record.handle,
                start,
                timeout=self.start_timeout,
                clock=self.clock,
                secrets=self.secrets.values(),
            )
        except BaseException:
            # Also on Ctrl-C: a preview that nobody will probe is not left running.
            self.end(record)
            raise
        return record

    def alive(self, record: Record) -> bool:
        """Whether this revision runs; raise TargetError where that cannot be known."""
        return bool(record.handle) and self.launcher(record.release).alive(record.handle)

    def listens(self, record: Record) -> bool:
        """Whether this revision runs and takes connections."""
        return self.alive(record) and sockets.accepts(record.port)

    def retire(self, record: Record, patience: float) -> None:
        """Give a revision up to `patience` seconds to finish what it has begun, then end it."""
        if self.alive(record):
            drain(record.port, patience, clock=self.clock, say=self.say)
        self.end(record)

    def end(self, record: Record) -> None:
        """End a revision and forget it; raise TargetError, with its record kept, where it may still run."""
        launcher = self.launcher(record.release)
        handle = record.handle or (launcher.find(record.id) if isinstance(launcher, FindsAgain) else None)
        if handle:
            launcher.stop(handle, GRACE_SECONDS)
        self.records.remove(record.id)

    def launcher(self, release: Release) -> Launcher:
        """Give what starts this kind of artifact; raise TargetError where nothing does."""
        try:
            return self.launchers[release.artifact.kind]
        except KeyError:
            raise TargetError(
                f"Nothing on this machine can start a release of the kind {release.artifact.kind}.",
                fix="Install docker or podman, or build a bundle: build.kind: bundle in lockgate.yml.",
            ) from None

    def log(self, slot: Slot) -> Path:
        """Where the output of the revision in this slot goes."""
        return self.directory / "logs" / f"{slot}.log"

    def _fresh_log(self, slot: Slot) -> Path:
        # One log for a slot and the one before it: as many as are ever looked at, and never more.
        log = self.log(slot)
        make_directory(log.parent)
        with explained(log):
            if log.exists():
                log.replace(log.with_suffix(".log.1"))
        return log

    def _environment_of(self, record: Record) -> dict[str, str]:
        return {
            **self.secrets,
            "PORT": str(record.port),
            "LOCKGATE_VERSION": record.release.version,
            "LOCKGATE_COMMIT": record.release.commit,
            "LOCKGATE_DIGEST": record.release.artifact.digest,
            "LOCKGATE_ENVIRONMENT": self.environment,
            REVISION: record.id,
        }
