"""How a rollout notes for the board how its watch goes: by a thread of its own, the newest note only.

What is measured must not wait for a disk or a database.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lockgate.adapters.state import make_directory, write_json
from lockgate.core.board.watching import WatchNote, file_name
from lockgate.errors import StateError

FOLDER = "watching"


class WatchNotes:
    """Writes the newest note. What cannot be written stops nothing."""

    def __init__(self, write: Callable[[WatchNote], object]) -> None:
        self._write = write
        self._newest: WatchNote | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def offer(self, note: WatchNote) -> None:
        """Take a note; one that was not written yet is forgotten for it. Returns at once."""
        with self._changed:
            self._newest = note
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="watch notes", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write no more; nobody waits for what is being written."""
        with self._changed:
            self._closed, self._newest = True, None
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._closed)
                note, self._newest = self._newest, None
            if note is None:
                return
            with suppress(StateError):
                self._write(note)


def to_folder(state: Path) -> Callable[[WatchNote], None]:
    """Give what writes notes into a state directory: one for each place, the newest over the one before it."""

    def write(note: WatchNote) -> None:
        name = file_name(note.service, note.environment)
        write_json(make_directory(state / FOLDER) / name, note.to_dict())

    return write
