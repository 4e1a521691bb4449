"""Events in files on this machine, a file for each rollout: written before the ledger is asked, gone after."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate.adapters.state import explained, make_directory, write_json
from lockgate.core.ledger import LedgerEvent, SpooledEvent
from lockgate.core.rollout_model import Standing

ENDING = "rollout.finished"
_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
_KNOWN = "standing.json"


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder of such files. Every method may raise StateError."""

    folder: Path

    def add(self, entry: SpooledEvent) -> None:
        """Write an event so that it survives the process and the machine."""
        path = self._path(entry.event.rollout)
        line = json.dumps({"event": entry.event.to_dict(), "fence": entry.fence}, separators=(",", ":")) + "\n"
        with explained(path):
            make_directory(self.folder)
            fresh = not path.exists()
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # What a crash left of a line is closed first, so that it spoils no other.
                os.write(handle, (line if fresh else "\n" + line).encode())
                os.fsync(handle)
            finally:
                os.close(handle)
            if fresh:
                self._sync_folder()

    def rollouts(self) -> list[str]:
        """Give the rollouts whose events are here, the oldest first."""
        if not self.folder.is_dir():
            return []
        first = (next(iter(_entries(path)), None) for path in sorted(self.folder.glob("*.jsonl")))
        return [entry.event.rollout for entry in first if entry]

    def entries(self, rollout: str) -> Sequence[SpooledEvent]:
        """Give the events of a rollout, in the order they were written."""
        return list(_entries(self._path(rollout)))

    def unfinished(self, service: str, environment: str) -> Sequence[SpooledEvent]:
        """Give the events of the latest rollout there whose ending is not here; none where all have theirs."""
        for rollout in reversed(self.rollouts()):
            found = self.entries(rollout)
            place = (found[0].event.service, found[0].event.environment)
            if place == (service, environment) and found[-1].event.kind != ENDING:
                return found
        return []

    def remove(self, rollout: str) -> None:
        """Forget a rollout: the ledger has all of it."""
        with explained(self.folder):
            self._path(rollout).unlink(missing_ok=True)

    def remember(self, service: str, environment: str, standing: Standing | None) -> None:
        """Keep what the ledger said last about what serves, for a time when it says nothing."""
        make_directory(self.folder)
        known = self._known() | {f"{service}/{environment}": standing.to_dict() if standing else None}
        write_json(self.folder / _KNOWN, known)

    def remembered(self, service: str, environment: str) -> Standing | None:
        """Give what the ledger said last about what serves; None where it never said anything here."""
        found = self._known().get(f"{service}/{environment}")
        return Standing.from_dict(found) if found else None

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads((self.folder / _KNOWN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _path(self, rollout: str) -> Path:
        return self.folder / f"{_STRANGE.sub('_', rollout)}.jsonl"

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _entries(path: Path) -> Iterator[SpooledEvent]:
    """Read a file; what a crash left of a line never was an event."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            read = json.loads(line)
            yield SpooledEvent(LedgerEvent(**read["event"]), read["fence"])
        except (ValueError, KeyError, TypeError):
            continue
