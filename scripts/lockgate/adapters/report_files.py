"""Files that a command of the user's leaves behind: read only if they are plain files, new, and inside the project."""

import os
import stat
from pathlib import Path

from lockgate.errors import ConfigInvalidError, ReportMalformedError, ReportMissingError


def locate(root: Path, name: str, setting: str) -> Path:
    """The path of a report that the config names; raise ConfigInvalidError where it points elsewhere.

    Only `.xml` is taken, because a report of an earlier run is deleted: a slip must not cost a source file.
    """
    # `--config ../shop/lockgate.yml` leaves dots in the root itself: both are made plain before they are compared.
    path = Path(os.path.normpath(root / name))
    if not path.is_relative_to(os.path.normpath(root)):
        raise ConfigInvalidError(
            f'{setting}: "{name}" is outside the project.', fix="Let the report be written inside it."
        )
    if path.suffix.lower() != ".xml":
        raise ConfigInvalidError(
            f'{setting}: expected the path of an .xml file, got "{name}".',
            fix="Name the report's file: what is left of it from an earlier run is deleted, and only .xml files are.",
        )
    return path


def remove_stale(root: Path, path: Path) -> None:
    """Delete the report of an earlier run, so that it cannot be taken for this one's."""
    _must_be_inside(root, path)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ReportMalformedError(f"{path} is not a plain file; as a report it is refused.", fix="Remove it.")
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ReportMalformedError(
            f"{path} is left from an earlier run and cannot be deleted: {error.strerror}.",
            why="It could be taken for the report of this run.",
            fix="Remove it, or give this user write access to its folder.",
        ) from error


def read(root: Path, path: Path, limit: int) -> bytes:
    """Read a report of up to `limit` bytes; raise ReportMissingError or ReportMalformedError."""
    _must_be_inside(root, path)
    try:
        # Not through a link, and not waiting for a pipe's other end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ReportMissingError(f"The tests left no report at {path}.") from error
    except OSError as error:
        raise ReportMalformedError(f"{path} cannot be opened as a plain file: {error.strerror}.") from error
    try:
        information = os.fstat(handle)
        if not stat.S_ISREG(information.st_mode):
            raise ReportMalformedError(f"{path} is not a plain file; as a report it is refused.")
        if information.st_size > limit:
            raise ReportMalformedError(f"{path} has {information.st_size:,} bytes; the limit is {limit:,}.")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(handle)


def inside(root: Path, file: str) -> str:
    """The path of an existing source file relative to the project, or "": reports name files that may be anywhere."""
    try:
        path = (root / file).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            return ""
    except (OSError, ValueError):
        return ""
    relative = path.relative_to(root.resolve())
    foreign = {"site-packages", "node_modules"}
    return "" if foreign & set(relative.parts) or relative.parts[0].startswith(".") else relative.as_posix()


def _must_be_inside(root: Path, path: Path) -> None:
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise ReportMalformedError(
            f"{path} leads out of the project through a link; as a report it is refused.", fix="Remove the link."
        )
