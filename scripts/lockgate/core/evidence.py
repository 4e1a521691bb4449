"""Evidence in words, as people compare it with its limit."""

from lockgate.core.samples import GateReport, IndicatorReport

_MOST_DIGITS = 6
_LEAST = -2


def amount(log10: float) -> str:
    """Write evidence given by its logarithm: 0.04, 12, 1,240, 10^9."""
    if log10 < _LEAST:
        return "<0.01"
    if log10 >= _MOST_DIGITS:
        return f"10^{log10:.0f}"
    value = 10**log10
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"  # noqa: PLR2004 - where decimals stop helping


def words(indicator: IndicatorReport, log10_limit: float) -> str:
    """Say in a line what an indicator showed: how many were bad, and the evidence against its limit."""
    text = (
        f"{indicator.name}: {indicator.bad} bad of {indicator.total}, at most {share(indicator.limit)} may be; "
        f"evidence {amount(indicator.log10_evidence)}, limit {amount(log10_limit)}"
    )
    if indicator.baseline_total:
        text += f"; the serving revision: {indicator.baseline_bad} bad of {indicator.baseline_total}"
    return text


def share(value: float) -> str:
    """Write a share as a percentage with what digits it needs."""
    return f"{100 * value:.4g} %"


def worst(report: GateReport) -> IndicatorReport:
    """Give the indicator with the most evidence against it; the first of several."""
    return max(report.indicators, key=lambda indicator: indicator.log10_evidence)
