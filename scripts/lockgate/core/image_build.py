"""The words of an image's build: where layers are kept, for which machines; and what the engine says of the image."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lockgate.core.config import BuilderKind
from lockgate.core.redaction import shorten

_NAME_LIMIT = 80
_DIGITS = 19
"""A size of more digits is none that a disk could hold."""
_LARGEST = 20
CACHE_TAG = "lockgate-cache"
"""Where layers are kept: beside the image, under a tag that is never deployed."""
INLINE_CACHE = ("--build-arg", "BUILDKIT_INLINE_CACHE=1")
"""Have docker write into an image what a later build needs to take its layers."""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """What an image weighs, unpacked."""

    size: int
    layers: int
    largest: tuple[tuple[str, int], ...]
    """What made the largest layers, and their bytes."""


def cache_words(kind: BuilderKind, name: str, *, exports: bool) -> list[str]:
    """Give the words to take layers from a registry and to leave them there; none without a name.

    `exports` says whether docker's builder can write a cache of its own, every stage's layers in it; that needs the
    containerd image store. Elsewhere an image is pushed as the cache that was built with INLINE_CACHE.
    podman keeps layers as images of a repository: docs.podman.io, podman-build, --cache-to. A cache that is not there
    is built without; one that cannot be written fails nothing.
    """
    if not name:
        return []
    if kind is BuilderKind.PODMAN:
        return ["--layers", "--cache-from", f"{name}/{CACHE_TAG}", "--cache-to", f"{name}/{CACHE_TAG}"]
    reference = f"{name}:{CACHE_TAG}"
    if exports:
        into = f"type=registry,ref={reference},mode=max,ignore-error=true"
        return ["--cache-from", f"type=registry,ref={reference}", "--cache-to", into]
    return ["--cache-from", reference]


def platform_words(platforms: Sequence[str], name: str, tag: str, metadata: str) -> list[str]:
    """Give the words to build for several platforms and to push them as one list, which is the only place for it."""
    return ["--platform", ",".join(platforms), "--push", "--tag", f"{name}:{tag}", "--metadata-file", metadata]


def told_digest(metadata: bytes) -> str:
    """Read what buildx writes about what it built, an image or a list; "" where it does not say the digest.

    https://docs.docker.com/reference/cli/docker/buildx/build/#metadata-file
    """
    try:
        return str(json.loads(metadata)["containerimage.digest"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def layers(history: str) -> list[tuple[str, int]]:
    """Read lines of a size, a tab and what made a layer of it, as `history` gives them; the largest first."""
    found = []
    for line in history.splitlines():
        weight, _, made_by = line.partition("\t")
        if weight.isascii() and weight.isdecimal() and len(weight) < _DIGITS and int(weight):
            found.append((shorten(" ".join(made_by.split()), _NAME_LIMIT) or "the base image", int(weight)))
    return sorted(found, key=lambda layer: -layer[1])


def weigh(size: str, history: str) -> ImageSize:
    """Weigh an image by what `inspect` and `history` say; raise ValueError where the size is no number.

    With the containerd image store docker's size is that of the compressed layers; its history says what they take.
    """
    found = layers(history)
    return ImageSize(max(int(size), sum(weight for _, weight in found)), len(found), tuple(found[:_LARGEST]))
