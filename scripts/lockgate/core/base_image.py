"""A base image that is pinned by digest and names its tag, too: so that one can ask what that tag means by now."""

import re
from dataclasses import dataclass

from lockgate.core.oci import Reference

_PINNED = re.compile(r"(?P<name>[^@\s]+):(?P<tag>\w[\w.-]{0,127})@(?P<digest>sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Base:
    """One base image."""

    written: str
    """As the Dockerfile names it, without the digest."""
    digest: str
    tag: Reference
    """Where to ask for the digest that the tag has by now."""

    @classmethod
    def parse(cls, image: str) -> "Base | None":
        """Read what stands after FROM; None for what names no tag, no digest, or no registry that could be asked."""
        match = _PINNED.fullmatch(image)
        if match is None:
            return None
        try:
            tag = Reference.parse(f"{_at_docker_hub(match['name'])}:{match['tag']}")
        except ValueError:
            return None
        return cls(f"{match['name']}:{match['tag']}", match["digest"], tag)


def _at_docker_hub(name: str) -> str:
    """Give the whole name of what docker looks for at its own registry: `python` is docker.io/library/python."""
    host, slash, _ = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return name
    return f"docker.io/{name if slash else f'library/{name}'}"
