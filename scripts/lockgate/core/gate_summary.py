"""How one watch is told: in lines for a terminal, and in Markdown."""

from collections.abc import Sequence

from lockgate.core import markdown
from lockgate.core.evidence import amount, share, words, worst
from lockgate.core.samples import GateReport, IndicatorReport, Verdict
from lockgate.core.terminal_plot import plot

_WORTH_A_PLOT = 0.1
"""Log10 of evidence that a column of the plot could show."""
MARKS = {Verdict.SUCCESSFUL: "✓", Verdict.FAILED: "✗", Verdict.ERROR: "!", Verdict.INCONCLUSIVE: "?"}


def lines(report: GateReport) -> list[str]:
    """Give what each indicator showed, and the evidence over time of the one that looks worst."""
    told = [words(one, report.log10_limit) for one in report.indicators]
    drawn = evidence(report)
    return [*told, "", *drawn] if drawn else told


def evidence(report: GateReport) -> list[str]:
    """Plot the evidence of the indicator that looks worst; nothing where there never was any to speak of."""
    one = worst(report)
    points = report.trace.get(one.name, ())
    if max((value for _, value in points), default=0.0) < _WORTH_A_PLOT:
        return []
    return [
        f"evidence against {one.name} over time, in seconds",
        *plot(points, limit=report.log10_limit, seconds=report.seconds),
    ]


def examples(report: GateReport, most: int = 3) -> list[str]:
    """Give examples of bad samples, those of the worst indicator first."""
    first = sorted(report.indicators, key=lambda one: -one.log10_evidence)
    return [f"{one.name}: {text}" for one in first for text in one.examples][:most]


def summary(title: str, report: GateReport) -> str:
    """Give the Markdown of a job's summary."""
    parts = [
        f"### {MARKS[report.verdict]} {markdown.escape(title)}",
        f"{markdown.escape(report.message)}.",
        markdown.table(_HEADER, [_row(one, report) for one in report.indicators]),
    ]
    if drawn := evidence(report):
        parts.append(markdown.block("\n".join(drawn)))
    if seen := examples(report):
        parts += ["**Examples of bad samples**", markdown.block("\n".join(seen))]
    return "\n\n".join(parts) + "\n"


_HEADER = ("indicator", "bad of all", "may be bad", "evidence", "limit", "serving revision")


def _row(one: IndicatorReport, report: GateReport) -> Sequence[str]:
    serving = f"{one.baseline_bad} of {one.baseline_total}" if one.baseline_total else ""
    return (
        markdown.escape(one.name),
        f"{one.bad} of {one.total}",
        share(one.limit),
        amount(one.log10_evidence),
        amount(report.log10_limit),
        serving,
    )
