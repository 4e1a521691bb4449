"""What is shipped: one commit, built into one immutable digest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40,64}")
"""A commit as git names it, in full, by SHA-1 or SHA-256."""
_NAME = re.compile(r"[a-z0-9]+(?:[._:/-]+[a-z0-9]+)*")


class ArtifactKind(StrEnum):
    """The two forms of a build: a container image, or a directory addressed by the SHA-256 of its content."""

    IMAGE = "image"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One build, by digest. Tags are never deployed.

    Written `bundle:storefront@sha256:<64 hex>` or `image:registry.example/storefront@sha256:<64 hex>`.
    """

    kind: ArtifactKind
    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}@{self.digest}"

    @property
    def reference(self) -> str:
        """The form an engine pulls by: `name@sha256:...`."""
        return f"{self.name}@{self.digest}"

    @property
    def short(self) -> str:
        """The first twelve hex digits, for people."""
        return self.digest.removeprefix("sha256:")[:12]

    @classmethod
    def parse(cls, text: str) -> "Artifact":
        """Read the written form; raise ValueError with what was expected."""
        kind, colon, rest = text.partition(":")
        name, at, digest = rest.rpartition("@")
        if not colon or not at or kind not in set(ArtifactKind):
            raise ValueError(f'expected "image:NAME@sha256:<hex>" or "bundle:NAME@sha256:<hex>", got "{text}"')
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f'expected a digest like sha256:<64 hex digits>, got "{digest}"; tags are never deployed')
        if not _NAME.fullmatch(name):
            raise ValueError(f'"{name}" is not the name of an image')
        return cls(ArtifactKind(kind), name, digest)


@dataclass(frozen=True, slots=True)
class Release:
    """One commit of one service, built into one digest."""

    service: str
    version: str
    """What people call it, and what the service answers as its version."""
    commit: str
    artifact: Artifact

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "service": self.service,
            "version": self.version,
            "commit": self.commit,
            "artifact": str(self.artifact),
            "digest": self.artifact.digest,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Release":
        """Read the JSON form; raise KeyError or ValueError where it is not one."""
        return cls(data["service"], data["version"], data["commit"], Artifact.parse(data["artifact"]))
