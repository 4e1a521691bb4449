"""Hold the pinned Trivy against upstream's own release: `check_trivy_pin.py DIR`.

DIR holds, of upstream's release of the pinned version, `trivy_VERSION_checksums.txt`, each pinned archive, and beside
each of these its `.sigstore.json`. All must be signed by upstream's release workflow at the tag of that version; the
list must name the archive with the pinned digest; and the program in the archive must be the pinned one, which shows
that the PyPI wheel holds upstream's very bytes. Ends with 1 and says why where anything differs. Upstream's signatures:
https://trivy.dev/docs/latest/getting-started/signature-verification
"""

import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from lockgate.adapters.sigstore_bundle import Bundles
from lockgate.adapters.trivy_pin import PIN
from lockgate.core.attestation import ISSUER, Statement, statement
from lockgate.core.pin import Pin

if TYPE_CHECKING:
    from sigstore.verify import Verifier

SIGNER = "https://github.com/aquasecurity/trivy/.github/workflows/reusable-release.yaml@refs/tags/v{version}"


def problems(pin: Pin, folder: Path, verifier: "Verifier") -> Iterator[str]:
    """Yield what differs."""
    checksums = folder / f"trivy_{pin.version}_checksums.txt"
    for path in (checksums, *(folder / name for name in pin.archives)):
        try:
            signed(path, SIGNER.format(version=pin.version), verifier)
        except (OSError, ValueError) as error:
            yield f"{path.name} is not signed by upstream's release of {pin.version}: {error}"
            return
    named = dict(reversed(line.split(maxsplit=1)) for line in checksums.read_text("utf-8").splitlines() if line)
    for name, digest in pin.archives.items():
        if named.get(name) != digest:
            yield f"{checksums.name} names {named.get(name, 'no digest')} for {name}; pinned is {digest}"
        if (found := _digest(folder / name)) != digest:
            yield f"{name} has {found}; pinned is {digest}"
        with tarfile.open(folder / name) as tar:
            program = tar.extractfile("trivy")
            inside = hashlib.sha256(program.read()).hexdigest() if program else "no program"
        if inside not in pin.sha256:
            yield f"the trivy in {name} has {inside}; pinned are {', '.join(pin.sha256)}"


def signed(path: Path, identity: str, verifier: "Verifier") -> None:
    """Verify a file by the bundle beside it, which signs its bytes or a statement about them; raise ValueError."""
    from sigstore.errors import Error  # noqa: PLC0415 - heavy
    from sigstore.models import Bundle  # noqa: PLC0415
    from sigstore.verify.policy import Identity  # noqa: PLC0415

    document = json.loads(path.with_name(f"{path.name}.sigstore.json").read_bytes())
    try:
        bundle, policy = Bundle.from_json(json.dumps(document)), Identity(identity=identity, issuer=ISSUER)
        if "messageSignature" in document:
            verifier.verify_artifact(path.read_bytes(), bundle, policy)
            return
        said: Statement = statement(*verifier.verify_dsse(bundle, policy))
    except Error as error:
        raise ValueError(str(error)) from error
    if f"sha256:{_digest(path)}" not in said.digests:
        raise ValueError("its bundle is about another file")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(words: Sequence[str], pin: Pin = PIN, verifier: Any = None) -> int:
    """Check, and tell."""
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(problems(pin, Path(words[0]), verifier or Bundles().verifier))
    for problem in found:
        print(f"check_trivy_pin: {problem}", file=sys.stderr)
    if not found:
        print(f"Trivy {pin.version} is pinned as upstream released it.")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
