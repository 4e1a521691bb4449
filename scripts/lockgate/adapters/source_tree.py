"""The commit's files: which they are, when they were committed, and a clean copy of them."""

import gzip
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lockgate.adapters.process import run
from lockgate.core.bundle_manifest import NEVER, Ignore, canonical, canonical_mode, ships
from lockgate.errors import BuildFailedError

_GIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a context, as paths relative to it."""

    names: tuple[str, ...]
    from_git: bool
    """False where git could not be asked: then these are all files there are."""
    untracked: tuple[str, ...] = ()
    """Files that git neither tracks nor ignores: no part of any commit, so no part of the release."""


def listing(context: Path, env: Mapping[str, str]) -> Listing:
    """List what ships: the tracked files as they stand in the work tree, less what .dockerignore leaves out.

    Ignored and untracked files stay out, so that a checkout in which tests have run gives the same bundle as a fresh
    one. Raises BuildFailedError where .dockerignore cannot be read.
    """
    ignore = _read_dockerignore(context)
    tracked = _git(context, env, "ls-files", "-z", "--cached", "--recurse-submodules")
    if tracked is None:
        return Listing(tuple(name for name in _walk(context) if ships(name, ignore)), from_git=False)
    others = _git(context, env, "ls-files", "-z", "--others", "--exclude-standard") or ""
    names, untracked = (
        tuple(name for name in text.split("\0") if name and ships(name, ignore)) for text in (tracked, others)
    )
    return Listing(names, from_git=True, untracked=untracked)


def commit_time(root: Path, env: Mapping[str, str]) -> int | None:
    """When HEAD was committed, in seconds since 1970; None where git cannot be asked."""
    said = (_git(root, env, "show", "--no-patch", "--format=%ct", "HEAD") or "").strip()
    return int(said) if said.isdecimal() else None


def copy(context: Path, names: Iterable[str], into: Path) -> None:
    """Copy files of the context, keeping names, symlinks and the permission to run; raise BuildFailedError."""
    root = Path(os.path.realpath(context))
    parents: set[Path] = set()
    for name in names:
        source, target = context / name, into / name
        if source.parent not in parents:
            _refuse_outside(root, source.parent, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            parents.add(source.parent)
        try:
            mode = source.lstat().st_mode
        except FileNotFoundError:
            continue  # tracked, and deleted in the work tree
        if stat.S_ISLNK(mode):
            target.symlink_to(source.readlink())  # packing refuses one that leads outside
        elif stat.S_ISREG(mode):
            shutil.copyfile(source, target)
            target.chmod(canonical_mode(mode))
        elif not stat.S_ISDIR(mode):
            raise BuildFailedError(f"{name} is neither a file nor a directory; a bundle cannot hold it.")


def write_context(context: Path, dockerfile: str, into: IO[bytes]) -> int:
    """Write a build context as a gzipped tar, as docker sends it, and give the number of files.

    Everything that .dockerignore does not leave out, tracked or not, less what never ships; the Dockerfile and
    .dockerignore always. Owner and time are left out, so the same files give the same bytes.
    """
    ignore = _read_dockerignore(context)
    names = canonical({name for name in _walk(context) if ships(name, ignore) or name in {dockerfile, ".dockerignore"}})
    with (
        gzip.GzipFile(filename="", fileobj=into, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in names:
            archive.add(context / name, name, recursive=False, filter=_anonymous)
    return len(names)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if not (member.isreg() or member.issym()):
        raise BuildFailedError(f"{member.name} is neither a file nor a link; a build context cannot hold it.")
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = canonical_mode(member.mode)
    return member


def _refuse_outside(root: Path, path: Path, name: str) -> None:
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(root):
        raise BuildFailedError(
            f"{name} leads out of the build context, to {real}.",
            why="A bundle holds the service whole; what lies outside it would be missing where it runs.",
            fix="Move the file into the context, or set build.context to a directory that holds both.",
        )


def _walk(directory: Path, prefix: str = "") -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name in NEVER:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name


def _read_dockerignore(context: Path) -> Ignore:
    try:
        return Ignore.parse((context / ".dockerignore").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Ignore()
    except (OSError, ValueError) as error:
        raise BuildFailedError(
            f".dockerignore cannot be read: {error}.", fix="Correct that line; the format is docker's."
        ) from error


def _git(directory: Path, env: Mapping[str, str], *arguments: str) -> str | None:
    with tempfile.TemporaryFile() as output:
        try:
            argv = ["git", "-C", str(directory), *arguments]
            done = run(argv, cwd=directory, env=env, timeout=_GIT_SECONDS, stdout=output)
        except OSError:
            return None
        output.seek(0)
        return output.read().decode(errors="surrogateescape") if done.code == 0 else None
