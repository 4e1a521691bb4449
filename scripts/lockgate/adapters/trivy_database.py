"""Where the vulnerability database comes from: a directory, an OCI repository, or Trivy's own, kept in our cache."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lockgate.adapters.state import make_directory
from lockgate.errors import DatabaseUnavailableError

_REPOSITORY = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+|[\w.-]+:\d+|\[[0-9a-f:]+\]:\d+)(?::\d+)?/[\w./:@-]+")
"""An OCI repository begins with a host: a name with a dot, or with a port. Anything else is a path."""
_FIX = (
    "Let this machine reach the repository, or name in scan.database a directory that holds trivy.db and metadata.json "
    "(what `trivy fs --download-db-only` leaves in its cache under db/). Where no lookup is needed, "
    "`scan.vulnerabilities: when-available` goes on and says that it did not judge them."
)


@dataclass(frozen=True, slots=True)
class Database:
    """One copy of the database on this machine."""

    directory: Path
    updated: datetime
    """When it was built, UTC."""
    digest: str
    """SHA-256 of trivy.db."""
    note: str = ""
    """Why it is not the newest, where it could not be refreshed."""


def obtain(setting: str, *, root: Path, cache: Path, download: Callable[[Path, str], None]) -> Database:
    """Get the database that `scan.database` names; raise DatabaseUnavailableError.

    `download` brings the one in `cache` up to date from an OCI repository ("" is Trivy's own), or raises the same
    error. A copy that is in the cache already is used when that fails: an old look-up says more than none.
    """
    if setting and not _REPOSITORY.fullmatch(setting):
        return _read(root / setting)
    make_directory(cache)
    note = ""
    try:
        download(cache, setting)
    except DatabaseUnavailableError as error:
        if not (cache / "db" / "trivy.db").is_file():
            error.fix = error.fix or _FIX
            raise
        note = f"{error.what} The copy from an earlier run was used."
    return _read(cache / "db", note)


def _read(directory: Path, note: str = "") -> Database:
    try:
        metadata = json.loads((directory / "metadata.json").read_text(encoding="utf-8"))
        updated = datetime.fromisoformat(metadata["UpdatedAt"])
        with (directory / "trivy.db").open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DatabaseUnavailableError(
            f"{directory} does not hold a vulnerability database.",
            why=f"trivy.db and metadata.json must be there and readable: {error}.",
            fix=_FIX,
        ) from error
    aware = updated if updated.tzinfo else updated.replace(tzinfo=UTC)
    return Database(directory.resolve(), aware.astimezone(UTC), digest, note)
