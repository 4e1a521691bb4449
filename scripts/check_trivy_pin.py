"""Hold the pinned Trivy against upstream's own release: `check_trivy_pin.py CHECKSUMS [ARCHIVE]`.

CHECKSUMS is upstream's trivy_VERSION_checksums.txt, whose signature must have been verified before. It has to name the
pinned archive with the pinned digest. ARCHIVE is that archive: the program in it has to be the pinned one, which shows
that the PyPI wheel holds upstream's very bytes. Ends with 1 and says why where anything differs.
"""

import hashlib
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lockgate.adapters.trivy_pin import PIN
from lockgate.core.pin import Pin


def problems(pin: Pin, checksums: Path, archive: Path | None) -> Iterator[str]:
    """Yield what differs."""
    named = dict(
        reversed(line.split(maxsplit=1)) for line in checksums.read_text(encoding="utf-8").splitlines() if line
    )
    for name, digest in pin.archives.items():
        said = named.get(name, "no digest")
        if said != digest:
            yield f"{checksums.name} names {said} for {name}; pinned is {digest}"
    if archive is None:
        return
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != pin.archives.get(archive.name):
        yield f"{archive.name} has {found}; pinned is {pin.archives.get(archive.name, 'no such archive')}"
        return
    with tarfile.open(archive) as tar:
        program = tar.extractfile("trivy")
        digest = hashlib.file_digest(program, "sha256").hexdigest() if program else "no program"  # type: ignore[arg-type]
    if digest not in pin.sha256:
        yield f"the trivy in {archive.name} has {digest}; pinned are {', '.join(pin.sha256)}"


def main(words: Sequence[str], pin: Pin = PIN) -> int:
    """Check, and tell."""
    if len(words) not in {1, 2}:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(problems(pin, Path(words[0]), Path(words[1]) if len(words) > 1 else None))
    for problem in found:
        print(f"check_trivy_pin: {problem}", file=sys.stderr)
    if not found:
        print(f"Trivy {pin.version} is pinned as upstream released it.")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
