"""One program, held to bytes that were reviewed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pin:
    """Which builds of a program may run here."""

    version: str
    sha256: Mapping[str, str]
    """Digest of the program file -> the platform it is for."""
    install: str
    """The PyPI requirement that brings exactly this."""
    archives: Mapping[str, str] = field(default_factory=dict)
    """Upstream's release archive -> its SHA-256: the program in it must be one of those above."""
    hijacked: frozenset[str] = frozenset()
    """Versions that attackers published. They are refused by name, whatever their digest."""

    def __post_init__(self) -> None:
        if self.version in self.hijacked:
            raise ValueError(f"version {self.version} was hijacked and may not be pinned")
