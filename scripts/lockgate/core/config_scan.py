"""The `scan` section of the user's config; see `core.config`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Vulnerabilities(StrEnum):
    """Whether known vulnerabilities must have been looked up."""

    REQUIRED = "required"
    WHEN_AVAILABLE = "when-available"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ExceptionConfig:
    """A finding that is accepted until a day; see `core.scan_exceptions`."""

    id: str = ""
    package: str = ""
    reason: str = ""
    owner: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class ScanConfig:
    """The `scan` stage."""

    vulnerabilities: Vulnerabilities = Vulnerabilities.REQUIRED
    artifact: Vulnerabilities = Vulnerabilities.WHEN_AVAILABLE
    """Whether what is deployed must have been scanned by its digest."""
    block: tuple[str, ...] = ("CRITICAL", "HIGH")
    ignore_unfixed: bool = True
    limit: Mapping[str, int] = field(default_factory=dict)
    """Severity -> the most vulnerabilities of it in all, but for those that exceptions accept."""
    secrets: bool = True
    misconfiguration: bool = True
    licences: tuple[str, ...] = ()
    exceptions: tuple[ExceptionConfig, ...] = ()
    vex: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    database: str = ""
    mirrors: tuple[str, ...] = ()
    max_age: float = 604_800.0
    """From when on a database is too old to judge by."""
    offline: bool = False
    timeout: float = 300.0

    @property
    def looks_at_artifacts(self) -> bool:
        """Whether there is anything to look for in what was built."""
        looked_for = self.vulnerabilities is not Vulnerabilities.OFF or self.secrets or bool(self.licences)
        return looked_for and self.artifact is not Vulnerabilities.OFF
