"""Tables as text, in the form that docs/gates.md has."""

from dataclasses import dataclass

from bench.gates.measure import Outcome


@dataclass(frozen=True, slots=True)
class Table:
    """A table: cells are text already."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Give it in Markdown, aligned, so that it reads well in a terminal too."""
        lines = (self.header, *self.rows)
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        texts = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines
        ]
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        return "\n".join([f"**{self.title}**", "", texts[0], rule, *texts[1:]])


def percent(share: float) -> str:
    """Give a share."""
    return f"{share:.1%}"


def times(found: Outcome) -> str:
    """Give mean / median / 95th percentile in seconds; "-" for a quantile that was not reached."""
    if found.share == 0:
        return "never"
    parts = [f"{found.mean:.1f}" if found.share == 1 else f"> {found.mean:.0f}"]
    for share in (0.5, 0.95):
        quantile = found.quantile(share)
        parts.append("-" if quantile is None else f"{quantile:.1f}")
    return " / ".join(parts) + ("" if found.share == 1 else f" ({found.share:.0%})")
