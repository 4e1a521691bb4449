"""A plot of evidence for a terminal or a code block: one column for each stretch of time, a dashed limit."""

import math
from collections.abc import Sequence

from lockgate.core.evidence import amount

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_SHORTEST = 0.001
"""Seconds; a shorter watch has no axis."""
WIDTH = 60
HEIGHT = 6


def plot(
    points: Sequence[tuple[float, float]], *, limit: float, seconds: float, width: int = WIDTH, height: int = HEIGHT
) -> list[str]:
    """Draw (seconds, log10 evidence) against its limit, each line at most `width` + 12 wide.

    The floor is evidence of 1: below it the samples speak for the revision. What is far above the limit is cut off.
    """
    seconds = seconds if seconds >= _SHORTEST else 0.0
    columns = _columns(points, seconds, width)
    most = max([limit, *columns])
    top = min(most, 1.5 * limit) * 1.1
    marked = min(height - 1, round(limit / top * height - 0.5))
    rows = []
    for row in reversed(range(height)):
        filled = "".join(_cell(value / top * height - row) for value in columns)
        if row == marked:
            filled = filled.replace(" ", "┄")
        label = amount(limit) if row == marked else ("1" if row == 0 else "")
        rows.append(f"{label:>8} ┤{filled}{' limit' if row == marked else ''}".rstrip())
    return [*rows, f"{'':>8} └{_axis(seconds, width)}", f"{'':>8}  {_times(seconds, width)}".rstrip()]


def _columns(points: Sequence[tuple[float, float]], seconds: float, width: int) -> list[float]:
    """Give the highest value in each stretch of time; what nobody measured in keeps the value before it."""
    found = [-math.inf] * width
    for t, value in points:
        at = min(width - 1, max(0, int(width * t / seconds))) if seconds > 0 else 0
        found[at] = max(found[at], value)
    before = 0.0
    columns = []
    for value in found:
        before = value if value > -math.inf else before
        columns.append(max(0.0, before))
    return columns


def _cell(filled: float) -> str:
    return _EIGHTHS[min(8, max(0, round(8 * filled)))]


def _axis(seconds: float, width: int) -> str:
    return "".join("┬" if at % (width // 4) == 0 else "─" for at in range(width + 1)) if seconds > 0 else "─" * width


def _times(seconds: float, width: int) -> str:
    """Write the time under every fourth of the axis."""
    line = ""
    for quarter in range(5):
        line = line.ljust(quarter * width // 4) + (f"{seconds * quarter / 4:.3g}" + " s" * (quarter == 0))
    return line if seconds > 0 else ""
