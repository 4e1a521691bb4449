"""A bundle: a service in a directory, addressed by the SHA-256 of that directory's one canonical tar.

The tar has its members in order of their bytes, owner and group 0, time 0, modes 644 and 755, and no byte code. So the
digest depends on names, content, links and the permission to run, and on nothing else; and a directory can be held
against its digest at any time by packing it again.
"""

import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lockgate.adapters.state import explained, make_directory
from lockgate.core.bundle_manifest import PROGRAM_MODE, canonical, canonical_mode, is_bytecode
from lockgate.core.release import Artifact
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError, BuildFailedError

MAX_BYTES = 4_000_000_000
"""More unpacked content than any budget allows; what comes with more is not unpacked."""
MAX_MEMBERS = 200_000
_LARGEST = 5
_CHUNK = 1 << 20
_IMPOSSIBLE_TREE = (FileExistsError, FileNotFoundError, NotADirectoryError)
"""What unpacking raises where members come twice, or stand in what is no directory."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What packing a directory gave."""

    digest: str
    size: int
    """Bytes of the tar: what travels, and what the image budget limits."""
    files: int
    largest: tuple[tuple[str, int], ...]


def pack(directory: Path, into: IO[bytes] | None = None) -> Packed:
    """Write the canonical tar of a directory, or with no `into` only find its digest; raise BuildFailedError."""
    sink = _Sink(into)
    sizes: list[tuple[str, int]] = []
    # PAX writes plain ustar headers, and extended ones only for what does not fit: long or non-ASCII names.
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:  # type: ignore[call-overload]
        for name in canonical(_names(directory)):
            path = directory / name
            member = _member(path, name, directory)
            if member.isreg():
                with path.open("rb") as file:
                    archive.addfile(member, file)
                sizes.append((name, member.size))
            else:
                archive.addfile(member)
    largest = sorted(sizes, key=lambda entry: (-entry[1], entry[0]))[:_LARGEST]
    return Packed(f"sha256:{sink.sha256.hexdigest()}", sink.size, len(sizes), tuple(largest))


class BundleStore:
    """Bundles unpacked on this machine, one read-only directory each, named by digest."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, tar: Path, artifact: Artifact) -> Path:
        """Unpack a tar whose digest is the artifact's; return the directory. Adding twice is adding once.

        Raises ArtifactMissingError, ArtifactMismatchError, StateError.
        """
        try:
            with tar.open("rb") as file:
                found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ArtifactMissingError(
                f"{tar} cannot be read: {error.strerror}.", fix="Hand over the directory that `build --output` wrote."
            ) from error
        if found != artifact.digest:
            raise _mismatch(tar, artifact, f"its digest is {found}")
        place = self._place(artifact)
        if place.is_dir():
            return self.path(artifact)
        with explained(self._root):
            beside = Path(tempfile.mkdtemp(dir=make_directory(self._root), prefix=".unpacking-"))
            try:
                _unpack(tar, beside, artifact)
                beside.rename(place)
            except OSError:
                if not place.is_dir():
                    raise
                return self.path(artifact)  # another process was faster
            else:
                return place
            finally:
                remove(beside)

    def path(self, artifact: Artifact) -> Path:
        """The directory of a bundle, found to hold exactly what was built; raise ArtifactMissing/MismatchError.

        Byte code that a service running as root left behind is removed first: Python would run it instead of the
        source beside it, and it is no part of the digest.
        """
        place = self._place(artifact)
        if not place.is_dir():
            raise ArtifactMissingError(
                f"The bundle {artifact} is not on this machine.",
                why=f"There is no {place}.",
                fix="Run `lockgate build` here, or hand over the directory that `lockgate build --output` wrote.",
            )
        _drop_bytecode(place)
        try:
            found = pack(place).digest
        except (BuildFailedError, OSError) as error:
            raise _mismatch(place, artifact, str(error)) from error
        if found != artifact.digest:
            raise _mismatch(place, artifact, f"its digest is {found}")
        return place

    def _place(self, artifact: Artifact) -> Path:
        return self._root / artifact.digest.removeprefix("sha256:")


def remove(directory: Path) -> None:
    """Remove a directory of ours, read-only or not."""
    for folder, _, _ in os.walk(directory):
        Path(folder).chmod(stat.S_IRWXU)
    shutil.rmtree(directory, ignore_errors=True)


class _Sink:
    """Counts and hashes what goes through, into a file or into nothing."""

    def __init__(self, into: IO[bytes] | None) -> None:
        self._into = into
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size += len(data)
        if self._into is not None:
            self._into.write(data)
        return len(data)

    def tell(self) -> int:
        return self.size


def _names(directory: Path) -> Iterator[str]:
    for folder, directories, files in os.walk(directory):
        for name in directories + files:
            relative = (Path(folder) / name).relative_to(directory).as_posix()
            if not is_bytecode(relative):
                yield relative


def _member(path: Path, name: str, root: Path) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)  # whose owner, group and time are 0
    status = path.lstat()
    if stat.S_ISREG(status.st_mode):
        member.size, member.mode = status.st_size, canonical_mode(status.st_mode)
    elif stat.S_ISDIR(status.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, PROGRAM_MODE
    elif stat.S_ISLNK(status.st_mode):
        member.type, member.mode = tarfile.SYMTYPE, 0o777
        member.linkname = _inner_link(path, name, root)
    else:
        raise BuildFailedError(f"{name} is neither a file nor a directory; a bundle cannot hold it.")
    return member


def _inner_link(link: Path, name: str, root: Path) -> str:
    target = link.readlink()
    if target.is_absolute() or not Path(os.path.realpath(link)).is_relative_to(os.path.realpath(root)):
        raise BuildFailedError(
            f"{name} is a symlink to {target}, which leads out of the bundle.",
            why="A bundle runs on another machine, where that path is something else or nothing.",
            fix="Make the link relative and inside the context, or leave it out in .dockerignore. A virtual "
            "environment links to its interpreter: install with `uv pip install --target vendor` instead.",
        )
    return str(target)


def _unpack(tar: Path, into: Path, artifact: Artifact) -> None:
    """Unpack, check that packing again gives the same digest, make everything read-only."""
    try:
        with tarfile.open(tar, "r:") as archive:
            _extract(archive, into)
        # Links went in last, so nothing was written through one; packing again refuses those that lead outside.
        found = pack(into).digest
    except (tarfile.TarError, BuildFailedError, ValueError, *_IMPOSSIBLE_TREE) as error:
        raise _mismatch(tar, artifact, str(error)) from error
    if found != artifact.digest:
        raise _mismatch(tar, artifact, "it is not in the canonical form")
    for folder, _, _ in os.walk(into):
        Path(folder).chmod(0o555)


def _extract(archive: tarfile.TarFile, into: Path) -> None:
    """Unpack with no trust in the members: plain names, directories and files, and links last; raise ValueError."""
    links: list[tuple[Path, str]] = []
    total = 0
    for count, member in enumerate(archive, 1):
        total += member.size
        if count > MAX_MEMBERS or total > MAX_BYTES:
            raise ValueError("it holds more than any bundle may")
        if {"", ".", ".."}.intersection(member.name.split("/")):
            raise ValueError(f'it would write to "{member.name}"')
        path = into / member.name
        if member.issym():
            links.append((path, member.linkname))
        elif member.isdir():
            path.mkdir()
        elif member.isreg():
            _write(archive, member, path)
        else:
            raise ValueError(f'"{member.name}" is a hard link or a device')
    for path, target in links:
        path.symlink_to(target)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = archive.extractfile(member)
    with path.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK)  # type: ignore[arg-type] # a regular file always has content
    path.chmod(0o555 if member.mode & 0o100 else 0o444)


def _drop_bytecode(directory: Path) -> None:
    for folder, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = Path(folder) / name
            if not is_bytecode(name) or path.is_symlink():
                continue
            Path(folder).chmod(0o755)
            remove(path) if path.is_dir() else path.unlink()
            Path(folder).chmod(0o555)


def _mismatch(path: Path, artifact: Artifact, problem: str) -> ArtifactMismatchError:
    return ArtifactMismatchError(
        f"{path} is not {artifact}: {problem}.",
        why="Something changed it after the build, or Lockgate did not build it. It was not run.",
        fix="Find out who can write there. Then remove it, and hand over the bundle that was built, or build again.",
    )
