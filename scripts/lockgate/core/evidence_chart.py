"""The evidence of one watch as an SVG file of its own."""

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
    """Draw the evidence over time against its limit; the file needs no page around it."""
    lines = [
        Series(name, _LINES[at % len(_LINES)], points)
        for at, (name, points) in enumerate(report.trace.items())
        if points
    ]
    end = max(report.seconds, 0.001)
    band = Band(0, end, report.verdict.value, _TONES[report.verdict])
    title = f"Evidence against the preview over time: {report.verdict}"
    chart = odds(lines, (0, end), limit=report.log10_limit, bands=[band], width=WIDTH, title=title)
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
    before, _, inside = chart.removeprefix("<svg ").partition(">")
    return f"{opening}{before}><style>{STYLE}{_PAGE}</style>{inside}\n"
