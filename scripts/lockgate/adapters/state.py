"""The state directory: where Lockgate keeps what must outlive a command."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lockgate.errors import DiskFullError, StateNotWritableError


def disk_full(error: OSError, path: Path | None = None) -> DiskFullError | None:
    """Say that the disk is full where that is what an error means, whatever was written; None where it is another."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskFullError(
            f"The disk is full: {path or error.filename or 'a file'} could not be written.",
            fix="Free some space and run the same command again; nothing is half written.",
        )
    if "No usable temporary directory" in str(error):  # as `tempfile` says it
        return DiskFullError(
            "No temporary directory can be written to.",
            why="The disk is full, or this user may write to none of them.",
            fix="Free some space, or name a directory that can be written with TMPDIR.",
        )
    return None


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError on one of our own files into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if full := disk_full(error, path):
            raise full from error
        named = "--state-dir or LOCKGATE_STATE_DIR"
        blocked = error.errno in {errno.EEXIST, errno.ENOTDIR}
        file = next((one for one in (path, *path.parents) if one.is_file()), None) if blocked else None
        no_right = f"Give this user write access to it, or name another with {named}."
        raise StateNotWritableError(
            f"The state directory cannot be written: {path} ({error.strerror or error}).",
            why="Lockgate keeps its ledger, its revisions and its switches there.",
            fix=f"{file} is a file: name a folder with {named}." if file else no_right,
        ) from error


def make_directory(path: Path) -> Path:
    """Make a directory of our own, private to this user, and check that it can be written."""
    with explained(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return path


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old text or the new, never half of it."""
    with explained(path):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2, sort_keys=True) + "\n")
