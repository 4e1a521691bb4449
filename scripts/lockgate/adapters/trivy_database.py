"""Where the vulnerability database comes from: a directory, or the first repository that gives it, kept in our cache.

We fetch it ourselves, so that the scanner needs no network at all, the bytes are held to their digest, and a mirror
that refuses, hangs or sends garbage costs a bounded time and never the copy that is here already. That copy may be from
a cache which other jobs write: what it says of itself counts where its repository says the same.
"""

import hashlib
import json
import random
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lockgate.adapters import trivy_layer
from lockgate.adapters.clock import Clock
from lockgate.adapters.oci_registry import RegistryError, within
from lockgate.adapters.state import explained, make_directory, write_json
from lockgate.core import oci
from lockgate.errors import DatabaseUnavailableError

OWN_REPOSITORIES = ("mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2")
"""Where Trivy 0.76.0 itself fetches it, in its order."""
_PACKED = "db.tar.gz"
"""As it was published, kept beside what was unpacked from it."""
_LONGEST_FRESH = timedelta(days=2)
"""From one database to when the next is due: the publisher says a day."""
SKEW = timedelta(hours=1)
"""How far the clocks of the publisher and of this machine may be apart."""
_PAUSES = (1.0, 2.0, 4.0)
_LONGEST_PAUSE = 30.0
_FIX = (
    "Let this machine reach a repository (scan.database, scan.mirrors), or name in scan.database a directory that "
    "holds trivy.db and metadata.json (what `trivy fs --download-db-only` leaves in its cache under db/). Where no "
    "lookup is needed, `scan.vulnerabilities: when-available` goes on and says that it did not judge them."
)


@dataclass(frozen=True, slots=True)
class Database:
    """One copy of the database on this machine."""

    directory: Path
    updated: datetime
    """When it was built, UTC."""
    digest: str
    """SHA-256 of trivy.db."""
    source: str
    """What brings exactly this one again: `repository@sha256:...`, or the directory."""
    note: str = ""
    """Why it is not the newest, where it could not be refreshed."""


class DatabaseCache:
    """The copy that outlives a run."""

    def __init__(
        self, folder: Path, clock: Clock, env: Mapping[str, str], jitter: Callable[[], float] = random.random
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._env = env
        self._jitter = jitter

    def obtain(self, repositories: Sequence[str], *, offline: bool, seconds: float) -> Database:
        """Bring it up to date from the first repository that gives it; raise DatabaseUnavailableError.

        A copy from an earlier run is used when none does: an old look-up says more than none, and how old it may be
        is not decided here.
        """
        if offline:
            return read(self._folder / "db", "scan.offline is set: it was not refreshed.")
        make_directory(self._folder)
        started, changed = self._clock.monotonic(), ""
        if self._is_fresh(repositories):
            with suppress(RegistryError, DatabaseUnavailableError):  # whoever is asked next may give it
                found = read(self._folder / "db")
                if self._is_as_published(found, seconds / 2):
                    return found
                changed = f"The copy here is not what {found.source} holds, and was not used. "
                shutil.rmtree(self._folder / "db", ignore_errors=True)
        said = self._fetch(repositories, seconds - (self._clock.monotonic() - started))
        if not said:
            return read(self._folder / "db")
        told = "; ".join(f"{where}: {why}" for where, why in said.items())
        if not changed and (self._folder / "db" / "trivy.db").is_file():
            return read(self._folder / "db", f"No newer database could be had ({told}). The copy here was used.")
        raise DatabaseUnavailableError(
            "The vulnerability database could not be had.", why=f"{changed}{told}.", fix=_FIX
        )

    def _is_fresh(self, repositories: Sequence[str]) -> bool:
        """Whether a newer one is not due, and the one here is from where it should be."""
        try:
            metadata = json.loads((self._folder / "db" / "metadata.json").read_text(encoding="utf-8"))
            source = json.loads((self._folder / "db" / "source.json").read_text(encoding="utf-8"))
            due, updated = (_aware(metadata[name]) for name in ("NextUpdate", "UpdatedAt"))
            made = max(updated, _aware(metadata.get("DownloadedAt") or metadata["UpdatedAt"]))
            now = self._clock.now()
            # No publisher sets these; a copy that wants to stay would.
            honest = made <= now + SKEW and due <= updated + _LONGEST_FRESH
            return source["repository"] in repositories and honest and now < due
        except (OSError, ValueError, LookupError, TypeError):
            return False

    def _is_as_published(self, found: Database, seconds: float) -> bool:
        """Whether the copy is what its repository says that it published; raise RegistryError where it does not say.

        That takes one small answer, and unpacking once more: only the packed form has a digest that others know.
        """
        folder = self._folder / "db"
        try:
            at = oci.Reference.parse(found.source)
            layer = within(seconds, str(at), trivy_layer.published(at, self._env))
            with (folder / _PACKED).open("rb") as packed:
                if f"sha256:{hashlib.file_digest(packed, 'sha256').hexdigest()}" != layer.digest:
                    return False
                packed.seek(0)
                held = trivy_layer.digests(packed)
            metadata = hashlib.sha256((folder / "metadata.json").read_bytes()).hexdigest()
        except FileNotFoundError as error:
            raise RegistryError(f"what it was unpacked from is not here ({error.filename})") from error
        except (OSError, ValueError, EOFError, tarfile.TarError, zlib.error):
            return False
        return held == {"trivy.db": found.digest, "metadata.json": f"sha256:{metadata}"}

    def _fetch(self, repositories: Sequence[str], seconds: float) -> Mapping[str, str]:
        """Fetch it; give what each repository said where none gave it."""
        deadline = self._clock.monotonic() + seconds
        waiting = list(repositories)
        said: dict[str, str] = {}
        for pause in (*_PAUSES, 0.0):
            wanted, round_of = 0.0, list(waiting)
            for number, repository in enumerate(round_of):
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return said or dict.fromkeys(waiting, f"not asked within {seconds:g} s")
                try:
                    # One that hangs leaves the next one its time.
                    self._fetch_from(repository, left / (len(round_of) - number))
                except RegistryError as error:
                    said[repository] = str(error)
                    wanted = max(wanted, error.wait)
                    if not error.temporary:
                        waiting.remove(repository)
                else:
                    return {}
            left = deadline - self._clock.monotonic()
            if not waiting or left <= 0:
                return said
            self._clock.sleep(min(max(pause * (0.5 + self._jitter()), wanted), _LONGEST_PAUSE, left))
        return said

    def _fetch_from(self, repository: str, seconds: float) -> None:
        try:
            at = oci.Reference.parse(repository)
            with explained(self._folder), tempfile.TemporaryDirectory(dir=self._folder, prefix=".new-") as folder:
                new = Path(folder) / "db"
                new.mkdir()
                with (new / _PACKED).open("w+b") as packed:
                    digest = within(seconds, repository, trivy_layer.pull(at, packed, self._env))
                    packed.seek(0)
                    trivy_layer.unpack(packed, new)
                read(new)
                write_json(new / "source.json", {"repository": repository, "digest": digest})
                if (old := self._folder / "db").exists():
                    old.rename(Path(folder) / "old")
                new.rename(old)
        except (ValueError, EOFError, tarfile.TarError, zlib.error) as error:
            raise RegistryError(f"what it sent is no database ({error})") from error
        except DatabaseUnavailableError as error:
            raise RegistryError(f"what it sent is no database ({error.why})") from error


def read(directory: Path, note: str = "") -> Database:
    """Read the database in a directory; raise DatabaseUnavailableError."""
    try:
        metadata = json.loads((directory / "metadata.json").read_text(encoding="utf-8"))
        updated = _aware(metadata["UpdatedAt"])
        with (directory / "trivy.db").open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DatabaseUnavailableError(
            f"{directory} does not hold a vulnerability database.",
            why=f"trivy.db and metadata.json must be there and readable: {error}.",
            fix=_FIX,
        ) from error
    return Database(directory.resolve(), updated, digest, _source(directory), note)


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is no time of this calendar") from error


def _source(directory: Path) -> str:
    try:
        source: Mapping[str, Any] = json.loads((directory / "source.json").read_text(encoding="utf-8"))
        at = oci.Reference.parse(source["repository"])
        return f"{at.host}/{at.repository}@{source['digest']}"
    except (OSError, ValueError, LookupError, TypeError):
        return str(directory)
