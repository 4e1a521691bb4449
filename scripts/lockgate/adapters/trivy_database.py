"""Where the vulnerability database comes from: a directory, or the first repository that gives it, kept in our cache.

We fetch it ourselves, so that the scanner needs no network at all, the bytes are held to their digest, and a mirror
that refuses, hangs or sends garbage costs a bounded time and never the copy that is here already.
"""

import hashlib
import json
import random
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from lockgate.adapters.clock import Clock
from lockgate.adapters.oci_registry import Registry, RegistryError, within
from lockgate.adapters.state import explained, make_directory, write_json
from lockgate.core import oci
from lockgate.errors import DatabaseUnavailableError

OWN_REPOSITORIES = ("mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2")
"""Where Trivy 0.76.0 itself fetches it, in its order."""
PACKED_BYTES = 2_000_000_000
UNPACKED_BYTES = 8_000_000_000
_LAYER = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
_FILES = {"trivy.db": UNPACKED_BYTES, "metadata.json": 65_536}
_PAUSES = (1.0, 2.0, 4.0)
_LONGEST_PAUSE = 30.0
_CHUNK = 1 << 20
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
        if self._is_fresh(repositories):
            return read(self._folder / "db")
        said = self._fetch(repositories, seconds)
        if not said:
            return read(self._folder / "db")
        told = "; ".join(f"{where}: {why}" for where, why in said.items())
        if (self._folder / "db" / "trivy.db").is_file():
            return read(self._folder / "db", f"No newer database could be had ({told}). The copy here was used.")
        raise DatabaseUnavailableError("The vulnerability database could not be had.", why=f"{told}.", fix=_FIX)

    def _is_fresh(self, repositories: Sequence[str]) -> bool:
        """Whether a newer one is not due, and the one here is from where it should be."""
        try:
            metadata = json.loads((self._folder / "db" / "metadata.json").read_text(encoding="utf-8"))
            source = json.loads((self._folder / "db" / "source.json").read_text(encoding="utf-8"))
            due = datetime.fromisoformat(metadata["NextUpdate"])
            return source["repository"] in repositories and self._clock.now() < due
        except (OSError, ValueError, LookupError, TypeError):
            return False

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
                with tempfile.TemporaryFile(dir=folder) as packed:
                    digest = within(seconds, repository, _pull(at, packed, self._env))
                    packed.seek(0)
                    _unpack(packed, new)
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
    return Database(directory.resolve(), aware.astimezone(UTC), digest, _source(directory), note)


def _source(directory: Path) -> str:
    try:
        source: Mapping[str, Any] = json.loads((directory / "source.json").read_text(encoding="utf-8"))
        at = oci.Reference.parse(source["repository"])
        return f"{at.host}/{at.repository}@{source['digest']}"
    except (OSError, ValueError, LookupError, TypeError):
        return str(directory)


async def _pull(at: oci.Reference, into: IO[bytes], env: Mapping[str, str]) -> str:
    """Write the packed database; return the digest of the manifest that names it. Raise RegistryError, ValueError."""
    async with Registry(at, None, env) as registry:
        document, digest = await registry.manifest(at.reference)
        layers = [layer for layer in oci.manifest(document).layers if layer.media_type == _LAYER]
        if len(layers) != 1 or layers[0].size > PACKED_BYTES:
            raise ValueError("its manifest does not name one database layer of a sane size")
        await registry.blob(layers[0], into)
        return digest


def _unpack(packed: IO[bytes], into: Path) -> None:
    """Unpack the two files by name, bounded; whatever else is there is left. Raise ValueError, TarError."""
    with tarfile.open(fileobj=packed, mode="r|gz") as archive:
        for member in archive:
            limit = _FILES.get(member.name)
            if limit is None:
                continue
            if not member.isreg() or member.size > limit:
                raise ValueError(f"{member.name} is no file, or has {member.size:,} bytes")
            source = cast("IO[bytes]", archive.extractfile(member))
            with (into / member.name).open("xb") as file:
                while chunk := source.read(_CHUNK):
                    file.write(chunk)
