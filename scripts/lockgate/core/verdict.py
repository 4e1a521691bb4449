"""Combine what was found about each indicator into one verdict, by one rule in one place."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from lockgate.core.samples import Verdict


class Finding(StrEnum):
    """What the samples of one indicator say."""

    HEALTHY = "healthy"
    """Enough samples, and too little evidence against it."""
    MISSING = "missing"
    """Fewer samples than a verdict needs: no data is never a pass."""
    UNCLEAR = "unclear"
    """As much evidence as fails a release, but too bunched in time, or too alike to the serving revision's."""
    SHARED = "shared"
    """The serving revision breaks the objective too, and the new one is not shown to be worse."""
    FAULTY = "faulty"
    """The new revision breaks the objective, for long enough, and the serving one does not explain it."""


VERDICTS: Mapping[Finding, Verdict] = MappingProxyType(
    {
        Finding.HEALTHY: Verdict.SUCCESSFUL,
        Finding.MISSING: Verdict.INCONCLUSIVE,
        Finding.UNCLEAR: Verdict.INCONCLUSIVE,
        Finding.SHARED: Verdict.ERROR,
        Finding.FAULTY: Verdict.FAILED,
    }
)
"""What each finding would be if it were the only indicator's."""
PRECEDENCE = (Verdict.FAILED, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.SUCCESSFUL)
"""Which verdict wins.

Proof that the release is at fault stands on its own: an outage that another indicator shares with the serving revision
does not clear it. A broken vantage point comes before too little data, because more time would not help. A pass needs
every indicator.
"""


def combine(findings: Iterable[Finding]) -> Verdict:
    """Give the one verdict of several indicators; `inconclusive` where there is none to judge."""
    found = {VERDICTS[finding] for finding in findings}
    return next((verdict for verdict in PRECEDENCE if verdict in found), Verdict.INCONCLUSIVE)
