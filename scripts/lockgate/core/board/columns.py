"""A small chart of counts by period, as SVG: columns of what went well, with what failed on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lockgate.core.chart_style import Tone
from lockgate.core.charts import ceiling, values

HEIGHT = 130
_LEFT, _TOP, _BOTTOM = 32, 8, 22
_LABELS = 5


@dataclass(frozen=True, slots=True)
class Column:
    """One period."""

    name: str
    good: int
    bad: int


def columns(bars: Sequence[Column], *, width: float, title: str) -> str:
    """Draw them; each says its numbers when pointed at, and the whole has a title for those who do not see it."""
    most = ceiling(max((one.good + one.bad for one in bars), default=1))
    inside, tall = width - _LEFT, HEIGHT - _TOP - _BOTTOM
    step = inside / max(1, len(bars))
    parts = []
    for value in values(most):
        y = HEIGHT - _BOTTOM - value / most * tall
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{width:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="quiet" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for number, one in enumerate(bars):
        x = _LEFT + number * step
        low = float(HEIGHT - _BOTTOM)
        told = escape(f"{one.name}: {one.good + one.bad} changes, {one.bad} failed")
        for count, tone in ((one.good, Tone.FIRST), (one.bad, Tone.BAD)):
            if count:
                high = count / most * tall
                low -= high
                parts.append(
                    f'<rect class="fill t-{tone}" x="{x + step * 0.12:.1f}" y="{low:.1f}" width="{step * 0.76:.1f}" '
                    f'height="{high:.1f}" rx="1"><title>{told}</title></rect>'
                )
        if number % max(1, len(bars) // _LABELS) == 0:
            parts.append(f'<text class="quiet" x="{x:.1f}" y="{HEIGHT - 6}">{escape(one.name[5:])}</text>')
    label = escape(title, quote=True)
    return f'<svg viewBox="0 0 {width:g} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
