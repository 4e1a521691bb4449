"""Which distribution an image says that it is of: where Trivy recognises none, it may only not know that one."""

import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from lockgate.core.redaction import printable, shorten

_SAID_IN = frozenset({"etc/os-release", "usr/lib/os-release"})
"""os-release(5)."""
_ID = re.compile(rb"(?m)^ID=[\"']?([^\"'\s]+)")
_LONGEST = 65_536
_CHARACTERS = 60
_NO_LAYER = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def named_in(image: Path) -> str:
    """Give the `ID` that the layers of an archive or a layout name, or "". Into one packed by zstd nobody looks."""
    with _blobs(image) as blobs:
        return next((found for blob in blobs if (found := _named(blob))), "")


@contextmanager
def _blobs(image: Path) -> Iterator[Iterator[IO[bytes]]]:
    if image.is_dir():
        yield (path.open("rb") for path in sorted((image / "blobs" / "sha256").iterdir()) if path.is_file())
        return
    with tarfile.open(image, "r:") as archive:
        yield (cast("IO[bytes]", archive.extractfile(one)) for one in archive if one.isreg())


def _named(blob: IO[bytes]) -> str:
    try:
        with blob, tarfile.open(fileobj=blob, mode="r|*") as layer:
            for member in layer:
                if member.isreg() and member.name.removeprefix("./").lstrip("/") in _SAID_IN:
                    text = cast("IO[bytes]", layer.extractfile(member)).read(_LONGEST)
                    if found := _ID.search(text):
                        return shorten(printable(found[1].decode(errors="replace")), _CHARACTERS)
    except _NO_LAYER:
        pass  # a manifest or a configuration: blobs do not say what they are
    return ""
