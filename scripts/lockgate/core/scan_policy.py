"""The policy: which findings stop a release, which were accepted, and which it only inherits from what runs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from lockgate.core.running import Running
from lockgate.core.scan_exceptions import Exceptions, Rule
from lockgate.core.vulnerability import Finding, Kind, Severity, by_severity, order

_FORGIVEN = {Kind.VULNERABILITY, Kind.LICENCE}
"""What can turn up by itself in what runs. A secret or a misconfiguration is somebody's change, and is never old."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What blocks a release."""

    block: frozenset[Severity]
    """A vulnerability or misconfiguration of these severities blocks. A secret and what is hidden always do."""
    ignore_unfixed: bool
    """A vulnerability that has no fixed version yet does not block: nobody could act on it."""
    licences: tuple[str, ...] = ()
    """The licences that block, `*` standing for anything."""
    limit: Mapping[Severity, int] = field(default_factory=dict)
    """The most vulnerabilities of a severity that a release may have in all, but for those that exceptions accept."""

    def blocks(self, finding: Finding) -> bool:
        """Whether this finding stops the pipeline."""
        if finding.kind is Kind.SECRET or finding.hidden:
            return True
        if finding.kind is Kind.LICENCE:
            return any(fnmatchcase(finding.id.casefold(), name.casefold()) for name in self.licences)
        if finding.severity not in self.block:
            return False
        return not (finding.kind is Kind.VULNERABILITY and self.ignore_unfixed and not finding.fixed_in)

    def limits(self, finding: Finding) -> bool:
        """Whether this finding counts towards a limit, whatever else it is."""
        return finding.kind is Kind.VULNERABILITY and finding.severity in self.limit

    def minds(self, finding: Finding) -> bool:
        """Whether a verdict may depend on this finding."""
        return self.blocks(finding) or self.limits(finding)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings, divided by the policy, worst first."""

    blocking: tuple[Finding, ...]
    tolerated: tuple[Finding, ...]
    inherited: tuple[Finding, ...] = ()
    """Would block, but what runs there has them too: this release makes nothing worse."""
    accepted: tuple[tuple[Finding, Rule], ...] = ()
    fixed: tuple[Finding, ...] = ()
    """What runs there has them, this release has not."""
    over: tuple[Severity, ...] = ()
    """The severities of which there are more than the limit in all."""
    ended: tuple[Rule, ...] = ()
    ending: tuple[Rule, ...] = ()
    unused: tuple[Rule, ...] = ()
    """Exceptions that cover nothing here."""

    @property
    def passed(self) -> bool:
        """Whether nothing blocks."""
        return not self.blocking

    @property
    def found(self) -> tuple[Finding, ...]:
        """Everything that the scan found."""
        return (*self.blocking, *self.inherited, *(finding for finding, _ in self.accepted), *self.tolerated)

    @property
    def used(self) -> tuple[Rule, ...]:
        """The exceptions that let something through, each once."""
        return tuple(dict.fromkeys(rule for _, rule in self.accepted))

    def counts(self, kind: Kind) -> Mapping[str, int]:
        """How many findings of one class there are, by severity, blocking or not."""
        return by_severity(finding for finding in self.found if finding.kind is kind)


def judge(
    findings: Iterable[Finding],
    policy: Policy,
    exceptions: Exceptions | None = None,
    running: Running | None = None,
) -> Verdict:
    """Divide findings by the policy; `running` is the scan of what the release would replace, if there is one."""
    rules = exceptions or Exceptions()
    blocking: list[Finding] = []
    tolerated: list[Finding] = []
    inherited: list[Finding] = []
    accepted: list[tuple[Finding, Rule]] = []
    found = sorted(findings, key=order)
    for finding in found:
        if not policy.minds(finding):
            tolerated.append(finding)
        elif rule := rules.accepting(finding):
            accepted.append((finding, rule))
        elif not policy.blocks(finding):
            tolerated.append(finding)
        elif running and finding.kind in _FORGIVEN and running.has(finding):
            inherited.append(finding)
        else:
            blocking.append(finding)
    standing = [one for one in (*blocking, *inherited, *tolerated) if policy.limits(one)]
    over = _over(policy, standing)
    stopped = frozenset(one for one in standing if one.severity in over)
    blocking = sorted([*blocking, *(one for one in (*inherited, *tolerated) if one in stopped)], key=order)
    would_block = [finding for finding in found if policy.blocks(finding) or finding in stopped]
    return Verdict(
        tuple(blocking),
        tuple(one for one in tolerated if one not in stopped),
        tuple(one for one in inherited if one not in stopped),
        tuple(accepted),
        tuple(one for one in running.gone(found) if policy.blocks(one)) if running else (),
        over,
        rules.ended(would_block),
        rules.ending(),
        rules.unused((rule for _, rule in accepted), found),
    )


def _over(policy: Policy, standing: list[Finding]) -> tuple[Severity, ...]:
    numbers = Counter(finding.severity for finding in standing)
    return tuple(severity for severity, most in policy.limit.items() if numbers[severity] > most)
