"""A recording on disk or from a pipe, read line by line as often as wanted, in constant memory."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lockgate.adapters.state import explained
from lockgate.core.recording import NotASampleError, sample
from lockgate.core.samples import Sample
from lockgate.errors import SamplesUnreadableError

LINE_LIMIT = 64 * 1024
_BOM = b"\xef\xbb\xbf"
_FORMAT = 'Each line is like {"t": 12.5, "revision": "preview", "indicator": "availability", "good": true}.'


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples, one a line."""

    name: str
    file: BinaryIO
    start: int

    def samples(self) -> Iterator[tuple[int, Sample]]:
        """Give each sample with the number of its line, from the beginning. Raise SamplesUnreadableError."""
        self.file.seek(self.start)
        number = 0
        while line := self.file.readline(LINE_LIMIT + 1):
            number += 1
            if len(line) > LINE_LIMIT:
                raise self.unreadable(number, f"longer than {LINE_LIMIT:,} bytes")
            text = line.removeprefix(_BOM) if number == 1 else line
            if not text.strip():
                continue
            try:
                yield number, sample(text)
            except NotASampleError as error:
                raise self.unreadable(number, str(error)) from None

    def unreadable(self, number: int, what: str) -> SamplesUnreadableError:
        """The error for a line."""
        return SamplesUnreadableError(f"{self.name}, line {number}: {what}.", fix=_FORMAT)


@contextmanager
def opened(path: str, stdin: BinaryIO) -> Iterator[Recording]:
    """Open a recording, `-` being standard input. What cannot be read twice is kept in a temporary file meanwhile."""
    if path == "-":
        with _twice("standard input", stdin) as recording:
            yield recording
        return
    with _readable(Path(path)) as file, _twice(path, file) as recording:
        yield recording


def _readable(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise SamplesUnreadableError(f"{path} cannot be read: {error.strerror}.") from error


@contextmanager
def _twice(name: str, file: BinaryIO) -> Iterator[Recording]:
    if file.seekable():
        yield Recording(name, file, file.tell())
        return
    with tempfile.TemporaryFile() as kept:
        with explained(Path(tempfile.gettempdir())):
            shutil.copyfileobj(file, kept)
        yield Recording(name, kept, 0)
