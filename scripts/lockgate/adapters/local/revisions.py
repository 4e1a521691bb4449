"""What was started: one JSON file for each revision, written before it is started and removed after it has stopped."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockgate.adapters.local.traffic import Slot
from lockgate.adapters.state import explained, write_json
from lockgate.core.release import Artifact, Release
from lockgate.errors import StateDamagedError, StateError


@dataclass(frozen=True, slots=True)
class Record:
    """One revision."""

    id: str
    slot: Slot
    port: int
    release: Release
    handle: Mapping[str, Any] = field(default_factory=dict)
    """What its launcher finds it by; empty until it has been started."""

    def to_dict(self) -> dict[str, Any]:
        """Give the form on disk."""
        release = {
            "service": self.release.service,
            "version": self.release.version,
            "commit": self.release.commit,
            "artifact": str(self.release.artifact),
        }
        return {"id": self.id, "slot": self.slot, "port": self.port, "release": release, "handle": dict(self.handle)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Record":
        """Read the form on disk; raise KeyError, TypeError or ValueError where it is not one."""
        release = value["release"]
        return cls(
            id=str(value["id"]),
            slot=Slot(value["slot"]),
            port=int(value["port"]),
            release=Release(
                str(release["service"]),
                str(release["version"]),
                str(release["commit"]),
                Artifact.parse(release["artifact"]),
            ),
            handle=dict(value["handle"]),
        )


class Records:
    """The folder of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> tuple[Record, ...]:
        """Give every record, by id; raise StateError where one cannot be read."""
        with explained(self._folder):
            paths = sorted(self._folder.glob("[!.]*.json"))
        return tuple(record for path in paths if (record := self._read(path)) is not None)

    def find(self, revision_id: str) -> Record | None:
        """Give the record of this revision, if there is one."""
        return next((record for record in self.all() if record.id == revision_id), None)

    def save(self, record: Record) -> None:
        """Write a record, whole or not at all."""
        write_json(self._path(record.id), record.to_dict())

    def remove(self, revision_id: str) -> None:
        """Forget a revision."""
        with explained(self._folder):
            self._path(revision_id).unlink(missing_ok=True)

    def _path(self, revision_id: str) -> Path:
        return self._folder / f"{revision_id}.json"

    def _read(self, path: Path) -> Record | None:
        try:
            with explained(path):
                text = path.read_text(encoding="utf-8")
        except StateError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None  # Retired by another command since the folder was listed.
            raise
        try:
            return Record.from_dict(json.loads(text))
        except (ValueError, TypeError, KeyError) as error:
            raise StateDamagedError(
                f"{path} is damaged: it is not the record of a revision.",
                why="Without it Lockgate cannot know whether that revision runs.",
                fix="End the process or container it names, if it still names one, then remove the file.",
            ) from error
