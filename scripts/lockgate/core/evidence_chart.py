"""The evidence of a watch, or of all watches of a rollout, as an SVG file of its own."""

from collections.abc import Sequence

from lockgate.core.chart_style import STYLE, Tone
from lockgate.core.charts import Band, Series, odds
from lockgate.core.samples import GateReport, Verdict

WIDTH = 900
HEIGHT = 260
_LINES = (Tone.FIRST, Tone.THIRD, Tone.SECOND, Tone.CALM)
_TONES = {
    Verdict.SUCCESSFUL: Tone.GOOD,
    Verdict.FAILED: Tone.BAD,
    Verdict.ERROR: Tone.WARN,
    Verdict.INCONCLUSIVE: Tone.WARN,
}
_PAGE = "svg{color:#1f2328;background:#fff}@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}"


def svg(report: GateReport) -> str:
    """Draw one watch; the file needs no page around it."""
    return watches([(report.verdict.value, report)])


def watches(reports: Sequence[tuple[str, GateReport]]) -> str:
    """Draw the watches of a rollout one after the other, each with its name; the time between them is left out."""
    lines: list[Series] = []
    bands: list[Band] = []
    end = 0.0
    names = list(dict.fromkeys(one.name for _, report in reports for one in report.indicators))
    for label, report in reports:
        for name, points in report.trace.items():
            tone = _LINES[names.index(name) % len(_LINES)]
            if points:
                lines.append(Series(name, tone, [(end + t, value) for t, value in points]))
        bands.append(Band(end, end + max(report.seconds, 0.001), label, _TONES[report.verdict]))
        end = bands[-1].end
    title = "Evidence against the release over time: " + ", ".join(f"{label} {one.verdict}" for label, one in reports)
    limit = reports[0][1].log10_limit
    chart = odds(lines, (0, end), limit=limit, bands=bands, width=WIDTH, title=title)
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
    before, _, inside = chart.removeprefix("<svg ").partition(">")
    return f"{opening}{before}><style>{STYLE}{_PAGE}</style>{inside}\n"
