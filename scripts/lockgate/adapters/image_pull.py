"""Pull one image by its digest into an OCI image layout: the scanner sees files, and no registry or credential.

A job that may sign in can pull it for one that may not: what was handed over is held to the digest again.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lockgate.adapters.oci_registry import Credential, Registry, RegistryError, within
from lockgate.adapters.state import explained
from lockgate.core import oci
from lockgate.core.release import Artifact
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError

MAX_BYTES = 20_000_000_000
"""More layers than any budget allows; an image that claims more is not pulled."""
_LAYOUT = '{"imageLayoutVersion":"1.0.0"}'


@dataclass(frozen=True, slots=True)
class Pulled:
    """An image on this machine."""

    image_id: str
    """Digest of its configuration, by which the scanner names what it scanned."""
    platform: str
    """"" where the digest names one image and not a list."""
    others: tuple[str, ...]
    """What else the list names, and was not pulled."""


def pull(
    artifact: Artifact,
    into: Path,
    *,
    platform: str,
    credential: Callable[[str], Credential | None],
    env: Mapping[str, str],
    timeout: float,
    ca: str | None = None,
) -> Pulled:
    """Pull an image; `credential` gives the one for a host, and `ca` whom to trust in its name (`Registry`).

    Raise ArtifactMissingError, ArtifactMismatchError.
    """
    try:
        at = oci.Reference.parse(artifact.reference)
    except ValueError as error:
        raise ArtifactMissingError(
            f"The image {artifact} is not on this machine, and its name holds no registry.",
            fix="Hand over the directory that `lockgate build --output` wrote, or set build.registry.",
        ) from error
    try:
        with explained(into):
            into.mkdir(parents=True)
            return within(timeout, str(at), _pull(Registry(at, credential(at.host), env, ca=ca), at, into, platform))
    except RegistryError as error:
        raise ArtifactMissingError(
            f"The image {artifact} could not be pulled.",
            why=f"{error}.",
            fix="Sign in to the registry on this machine (`docker login`), and check that it still holds the digest.",
        ) from error
    except ValueError as error:
        raise ArtifactMismatchError(f"{artifact} is not an image that can be scanned: {error}.") from error


def held(layout: Path, artifact: Artifact, *, platform: str) -> Pulled:
    """Hold a layout that `pull` wrote elsewhere to the digest, blob by blob; raise ArtifactMismatchError."""
    try:
        return _held(layout, artifact.digest, platform)
    except (OSError, ValueError, LookupError) as error:
        raise ArtifactMismatchError(
            f"{layout} does not hold {artifact}: {error}.",
            why="Something changed it after it was pulled, or Lockgate did not pull it. It was not scanned.",
            fix="Hand over what `lockgate build --output` wrote.",
        ) from error


def _held(layout: Path, digest: str, platform: str) -> Pulled:
    document = _blob(layout, oci.Descriptor("", digest, -1))
    chosen, others = "", tuple[str, ...]()
    if oci.is_index(document):
        one, others = _choose(oci.platforms(document), platform)
        chosen, digest = one.name, one.descriptor.digest
        document = _blob(layout, one.descriptor)
    manifest = oci.manifest(document)
    for blob in {manifest.config, *manifest.layers}:
        _blob(layout, blob)
    # The scanner goes by these two, so they say what `pull` would have written.
    wanted = {"oci-layout": _LAYOUT, "index.json": oci.layout(oci.Descriptor(oci.MANIFEST, digest, len(document)))}
    for name, text in wanted.items():
        if _plain(layout / name).read_text(encoding="utf-8") != text:
            raise ValueError(f"its {name} is another one")
    return Pulled(manifest.config.digest, chosen, others)


def _blob(layout: Path, wanted: oci.Descriptor) -> bytes:
    """Hold one blob to its digest and size; give it where it is small enough to be read."""
    path = _plain(layout / "blobs" / "sha256" / wanted.digest.removeprefix("sha256:"))
    with path.open("rb") as file:
        found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    size = path.stat().st_size
    if found != wanted.digest or wanted.size not in {-1, size}:
        raise ValueError(f"what stands under {wanted.digest} is {found}, {size:,} bytes")
    return path.read_bytes() if size <= oci.MANIFEST_BYTES else b""


def _plain(path: Path) -> Path:
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is no file in it")
    return path


async def _pull(door: Registry, at: oci.Reference, into: Path, platform: str) -> Pulled:
    folder = into / "blobs" / "sha256"
    folder.mkdir(parents=True)
    async with door as registry:
        document, digest = await registry.manifest(at.reference)
        # The index, too: without it, nobody could hold the image to the digest that names both.
        (folder / digest.removeprefix("sha256:")).write_bytes(document)
        chosen = ""
        others: tuple[str, ...] = ()
        if oci.is_index(document):
            one, others = _choose(oci.platforms(document), platform)
            chosen = one.name
            document, digest = await registry.manifest(one.descriptor.digest)
        manifest = oci.manifest(document)
        wanted = {blob.digest: blob for blob in (manifest.config, *manifest.layers)}
        if sum(blob.size for blob in wanted.values()) > MAX_BYTES:
            raise ValueError(f"it claims more than {MAX_BYTES:,} bytes")
        for blob in wanted.values():
            with (folder / blob.digest.removeprefix("sha256:")).open("xb") as file:
                await registry.blob(blob, file)
    (folder / digest.removeprefix("sha256:")).write_bytes(document)
    (into / "oci-layout").write_text(_LAYOUT, encoding="utf-8")
    (into / "index.json").write_text(oci.layout(oci.Descriptor(oci.MANIFEST, digest, len(document))), encoding="utf-8")
    return Pulled(manifest.config.digest, chosen, others)


def _choose(listed: tuple[oci.Platform, ...], wanted: str) -> tuple[oci.Platform, tuple[str, ...]]:
    if not listed:
        raise ValueError("its index lists no image")
    one = next((each for each in listed if each.name == wanted), listed[0])
    return one, tuple(each.name for each in listed if each is not one)
