"""Exceptions from the policy: who accepted which finding, why, and until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase

from lockgate.core.vulnerability import Finding

WARNED_BEFORE = timedelta(days=7)
"""From when on an exception that will end is named."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One finding that is accepted for a time."""

    id: str
    """CVE, rule, check or licence."""
    package: str
    """The package's name; for a secret or misconfiguration the file, `*` standing for anything. "" is any package."""
    reason: str
    owner: str
    expires: date | None
    """Its last day, UTC. Only a statement of a VEX document has none."""
    source: str = "lockgate.yml"
    exact: bool = False
    """Whether the package is `ecosystem/name`, to be compared as it stands: of a statement of a VEX document."""
    version: str = ""
    """The one version it is about, "" for any."""

    def __str__(self) -> str:
        where = " ".join(filter(None, [self.package, self.version]))
        return f"{self.id} in {where}" if where else self.id

    def matches(self, finding: Finding) -> bool:
        """Whether it is about this finding."""
        if self.id.casefold() != finding.id.casefold():
            return False
        package = self.package.casefold()
        if self.exact:
            return package == finding.package.casefold() and self._is_version(finding.version)
        return not package or any(fnmatchcase(name.casefold(), package) for name in finding.names)

    def _is_version(self, installed: str) -> bool:
        # Go's versions are written with the v and without.
        return not self.version or self.version.removeprefix("v") == installed.removeprefix("v")

    def over(self, today: date) -> bool:
        """Whether it has ended: what it covered blocks again."""
        return self.expires is not None and self.expires < today

    def ends_soon(self, today: date) -> bool:
        """Whether somebody must think about it now."""
        return self.expires is not None and not self.over(today) and self.expires - today <= WARNED_BEFORE

    @property
    def until(self) -> str:
        """Its last day, for people."""
        return self.expires.isoformat() if self.expires else "no end"


@dataclass(frozen=True, slots=True)
class Exceptions:
    """All of them, and the day on which they are asked."""

    rules: tuple[Rule, ...] = ()
    today: date = date.min

    def accepting(self, finding: Finding) -> Rule | None:
        """Give the rule that lets a finding through today."""
        return next((rule for rule in self.rules if not rule.over(self.today) and rule.matches(finding)), None)

    def ended(self, findings: Iterable[Finding]) -> tuple[Rule, ...]:
        """Give the rules that have ended and would have covered one of these findings."""
        found = tuple(findings)
        return tuple(rule for rule in self.rules if rule.over(self.today) and any(map(rule.matches, found)))

    def ending(self) -> tuple[Rule, ...]:
        """Give the rules that end within a week."""
        return tuple(rule for rule in self.rules if rule.ends_soon(self.today))

    def unused(self, used: Iterable[Rule], findings: Iterable[Finding]) -> tuple[Rule, ...]:
        """Give the rules of the config that cover nothing that was found: they can go."""
        taken, found = set(used), tuple(findings)
        return tuple(rule for rule in self.rules if rule not in taken and not any(map(rule.matches, found)))
