"""What the `scan` section must make sense of, and the policy that it stands for."""

from collections.abc import Iterator
from datetime import date

from lockgate.core.config_problems import Problem
from lockgate.core.config_scan import ScanConfig
from lockgate.core.scan_exceptions import Rule
from lockgate.core.scan_policy import Policy
from lockgate.core.vulnerability import Severity


def check(config: ScanConfig) -> Iterator[Problem]:
    """Yield what is wrong with the exceptions."""
    for number, one in enumerate(config.exceptions):
        path = ("scan", "exceptions", number, "expires")
        try:
            date.fromisoformat(one.expires)
        except ValueError:
            yield Problem(path, f'"{one.expires}" is no day of the calendar', depends=(path,))


def policy(config: ScanConfig) -> Policy:
    """Give the policy of the config."""
    limit = {Severity(name): most for name, most in config.limit.items()}
    return Policy(frozenset(map(Severity, config.block)), config.ignore_unfixed, config.licences, limit)


def rules(config: ScanConfig) -> tuple[Rule, ...]:
    """Give the exceptions of the config."""
    return tuple(
        Rule(one.id, one.package, one.reason, one.owner, date.fromisoformat(one.expires)) for one in config.exceptions
    )
