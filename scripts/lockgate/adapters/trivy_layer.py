"""The layer in which the vulnerability database is published: the only form of it whose digest others know."""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, cast

from lockgate.adapters.oci_registry import Registry
from lockgate.core import oci

PACKED_BYTES = 2_000_000_000
UNPACKED_BYTES = 8_000_000_000
_LAYER = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
_FILES = {"trivy.db": UNPACKED_BYTES, "metadata.json": 65_536}
_CHUNK = 1 << 20


async def pull(at: oci.Reference, into: IO[bytes], env: Mapping[str, str]) -> str:
    """Write the packed database; return the digest of the manifest that names it. Raise RegistryError, ValueError."""
    async with Registry(at, None, env) as registry:
        document, digest = await registry.manifest(at.reference)
        await registry.blob(_layer(document), into)
        return digest


async def published(at: oci.Reference, env: Mapping[str, str]) -> oci.Descriptor:
    """Give the layer that a manifest names. Raise RegistryError, ValueError."""
    async with Registry(at, None, env) as registry:
        document, _ = await registry.manifest(at.reference)
        return _layer(document)


def _layer(document: bytes) -> oci.Descriptor:
    layers = [layer for layer in oci.manifest(document).layers if layer.media_type == _LAYER]
    if len(layers) != 1 or layers[0].size > PACKED_BYTES:
        raise ValueError("its manifest does not name one database layer of a sane size")
    return layers[0]


def unpack(packed: IO[bytes], into: Path) -> None:
    """Unpack the two files by name, bounded. Raise ValueError, TarError."""
    for name, chunks in _files(packed):
        with (into / name).open("xb") as file:
            file.writelines(chunks)


def digests(packed: IO[bytes]) -> Mapping[str, str]:
    """Give what would be unpacked, name by SHA-256; raise as `unpack` does."""
    found = {}
    for name, chunks in _files(packed):
        sha256 = hashlib.sha256()
        for chunk in chunks:
            sha256.update(chunk)
        found[name] = f"sha256:{sha256.hexdigest()}"
    return found


def _files(packed: IO[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the two files by name, with their content; whatever else is there is left."""
    with tarfile.open(fileobj=packed, mode="r|gz") as archive:
        for member in archive:
            limit = _FILES.get(member.name)
            if limit is None:
                continue
            if not member.isreg() or member.size > limit:
                raise ValueError(f"{member.name} is no file, or has {member.size:,} bytes")
            source = cast("IO[bytes]", archive.extractfile(member))
            yield member.name, iter(partial(source.read, _CHUNK), b"")
