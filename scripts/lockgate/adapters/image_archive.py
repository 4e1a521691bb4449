"""Hold an archive that `docker save` or `podman save` wrote to the digest of the image it must contain.

The scanner reads the archive's manifest.json, so that is what is checked: its one configuration names the digest of
every unpacked layer, and the digest is either the configuration's (what engines call the image's ID) or that of a
manifest in the archive which names this configuration.
"""

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from lockgate.core import oci
from lockgate.core.release import Artifact
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError

MAX_BYTES = 20_000_000_000
_MAX_MEMBERS = 10_000
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_BAD = (ValueError, LookupError, TypeError, EOFError, RecursionError, tarfile.TarError, zlib.error)


def check(archive: Path, artifact: Artifact) -> str:
    """Return the digest of the image's configuration; raise ArtifactMissingError, ArtifactMismatchError."""
    try:
        with tarfile.open(archive, "r:") as tar:
            return _Archive(tar).check(artifact.digest)
    except FileNotFoundError as error:
        raise ArtifactMissingError(
            f"{archive} is not there.", fix="Hand over the directory that `lockgate build --output` wrote."
        ) from error
    except (*_BAD, OSError) as error:
        raise ArtifactMismatchError(
            f"{archive} does not hold {artifact}: {error}.",
            why="Something changed it after the build, or Lockgate did not build it. It was not scanned.",
            fix="Hand over what `lockgate build --output` wrote.",
        ) from error


class _Archive:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members: dict[str, tarfile.TarInfo] = {}
        for count, member in enumerate(tar, 1):
            name = member.name.removeprefix("./")
            if name in self._members or count > _MAX_MEMBERS:
                raise ValueError(f'it holds "{name}" twice, or too much')
            self._members[name] = member

    def check(self, digest: str) -> str:
        listed = json.loads(self._read("manifest.json"))
        if not isinstance(listed, list) or len(listed) != 1:
            raise ValueError("its manifest.json does not list one image")
        config = self._read(listed[0]["Config"])
        image_id = _sha256(config)
        layers, expected = listed[0]["Layers"], oci.diff_ids(config)
        if len(layers) != len(expected):
            raise ValueError("its layers are not those of its configuration")
        for name, wanted in zip(layers, expected, strict=True):
            if self._unpacked(name) != wanted:
                raise ValueError(f"its layer {name} is not the one that its configuration names")
        if digest != image_id and not any(oci.manifest(one).config.digest == image_id for one in self._named(digest)):
            raise ValueError(f"it holds {image_id}")
        return image_id

    def _named(self, digest: str) -> Iterator[bytes]:
        """Give the manifest of that digest, where the archive is an image layout too."""
        name = f"blobs/sha256/{digest.removeprefix('sha256:')}"
        if name in self._members and _sha256(content := self._read(name)) == digest:
            yield content

    def _read(self, name: Any) -> bytes:
        member = self._file(name)
        if member.size > oci.MANIFEST_BYTES:
            raise ValueError(f"{name} has {member.size:,} bytes")
        return cast("IO[bytes]", self._tar.extractfile(member)).read()

    def _unpacked(self, name: Any) -> str:
        source = cast("IO[bytes]", self._tar.extractfile(self._file(name)))
        packed = source.read(len(_GZIP)) == _GZIP
        source.seek(0)
        stream = gzip.GzipFile(fileobj=source) if packed else source
        sha256, total = hashlib.sha256(), 0
        while chunk := stream.read(_CHUNK):
            total += len(chunk)
            if total > MAX_BYTES:
                raise ValueError(f"its layer {name} unpacks to more than {MAX_BYTES:,} bytes")
            sha256.update(chunk)
        return f"sha256:{sha256.hexdigest()}"

    def _file(self, name: Any) -> tarfile.TarInfo:
        member = self._members[name]
        for _ in range(2):
            # `docker save` of older versions links a layer that occurs twice to its first place.
            if not member.issym():
                break
            target = Path(member.name).parent / member.linkname
            member = self._members[str(_normal(target))]
        if not member.isreg():
            raise ValueError(f"{name} is not a file")
        return member


def _normal(path: Path) -> Path:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return Path(*parts)


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
