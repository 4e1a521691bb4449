"""What is known of the release that runs now: its packages and findings, to judge another by what it adds.

The packages count, not only the findings: a vulnerability that was disclosed yesterday is in no earlier scan, and yet
the release that replaces a package of the same version with itself does not add it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lockgate.core.vulnerability import Finding

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Running:
    """The scan of what runs."""

    artifact: str
    findings: tuple[Finding, ...]
    packages: Mapping[str, frozenset[str]]
    """`ecosystem/name` -> the installed versions."""
    since: Mapping[Key, str] = field(default_factory=dict)
    """When a finding was first seen there, ISO 8601."""
    _keys: frozenset[Key] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keys", frozenset(finding.key for finding in self.findings))

    def has(self, finding: Finding) -> bool:
        """Whether what runs has this finding: it was found there, or the same version of the package is there."""
        return finding.key in self._keys or finding.version in self.packages.get(finding.package, ())

    def gone(self, findings: Iterable[Finding]) -> Iterable[Finding]:
        """Give what was found in what runs, and is not among `findings`."""
        here = {finding.key for finding in findings}
        return (finding for finding in self.findings if finding.key not in here)

    def first_seen(self, finding: Finding, now: str) -> str:
        """When a finding was first seen; `now` where nobody has seen it before."""
        return self.since.get(finding.key, now)
