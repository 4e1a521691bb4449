"""What an image is made of (OCI image specification 1.1, and docker's schema 2): descriptors, read strictly."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEXES = (INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = (MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
MANIFEST_BYTES = 4_000_000
"""What the distribution specification asks every registry to take; nobody needs more."""
MOST_LAYERS = 500
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob, by its digest."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image, or another thing of one config and layers."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Platform:
    """One of the images that an index lists."""

    name: str
    """`linux/amd64`."""
    descriptor: Descriptor


def is_index(document: bytes) -> bool:
    """Whether a manifest lists others; raise ValueError where it is no manifest at all."""
    root = _load(document)
    return root.get("mediaType") in INDEXES or ("manifests" in root and "layers" not in root)


def platforms(document: bytes) -> tuple[Platform, ...]:
    """Read the images of an index, without the attestations that builders put there; raise ValueError."""
    found = []
    for node in _list(_load(document), "manifests"):
        platform = node.get("platform")
        named = platform if isinstance(platform, dict) else {}
        name = f"{named.get('os', 'unknown')}/{named.get('architecture', 'unknown')}"
        if name != "unknown/unknown":
            found.append(Platform(name, _descriptor(node)))
    return tuple(found)


def manifest(document: bytes) -> Manifest:
    """Read one image's manifest; raise ValueError."""
    root = _load(document)
    config = root.get("config")
    layers = tuple(map(_descriptor, _list(root, "layers")))
    if not isinstance(config, dict) or len(layers) > MOST_LAYERS:
        raise ValueError(f"it has no config, or more than {MOST_LAYERS} layers")
    return Manifest(_descriptor(config), layers)


def diff_ids(config: bytes) -> tuple[str, ...]:
    """Give the digests of an image's unpacked layers, in order, from its configuration; raise ValueError."""
    root = _load(config)
    rootfs = root.get("rootfs")
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in listed):
        raise ValueError("its configuration does not list its layers")
    return tuple(listed)


def layout(descriptor: Descriptor) -> str:
    """Write the index.json of an image layout that holds one image."""
    entry = {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})


def _load(document: bytes) -> Mapping[str, Any]:
    if len(document) > MANIFEST_BYTES:
        raise ValueError(f"it has {len(document):,} bytes; the limit is {MANIFEST_BYTES:,}")
    try:
        root = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(root, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - all that is wrong is a ValueError here
    return root


def _list(node: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = node.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"its {key} are not a list of objects")
    return value


def _descriptor(node: Mapping[str, Any]) -> Descriptor:
    media_type, digest, size = node.get("mediaType", ""), node.get("digest"), node.get("size")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError("a descriptor has no SHA-256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not isinstance(media_type, str):
        raise ValueError(f"the descriptor of {digest} has no size")
    return Descriptor(media_type, digest, size)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where something is kept: `host/repository:tag` or `host/repository@sha256:...`."""

    host: str
    repository: str
    reference: str
    """A tag, or a digest."""

    @property
    def by_digest(self) -> bool:
        """Whether exactly these bytes are meant."""
        return _DIGEST.fullmatch(self.reference) is not None

    @property
    def plain(self) -> bool:
        """Whether it is on this machine, where a registry needs no TLS."""
        return self.host.rpartition(":")[0] in {"127.0.0.1", "localhost", "[::1]"}

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}{'@' if self.by_digest else ':'}{self.reference}"

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read the written form, a missing tag being `latest`; raise ValueError."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise ValueError(f'"{text}" does not name a registry, as in registry.example/name:tag')
        host = _HUB if match["host"] == "docker.io" else match["host"]
        return cls(host, match["repository"], match["digest"] or match["tag"] or "latest")


_HUB = "registry-1.docker.io"
_REFERENCE = re.compile(
    r"(?P<host>localhost(?::\d+)?|[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w.-]+:\d+|\[[0-9a-f:]+\]:\d+)"
    r"/(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
"""A registry has a name with a dot, or a port. Anything else could be a path, or somebody else's at Docker Hub."""
