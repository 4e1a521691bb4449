"""A badge: what serves in a place, as a small SVG for a README."""

from html import escape

from lockgate.core.board.overview import Cell
from lockgate.core.redaction import printable

_COLOURS = {"verified": "#1a7f4b", "restored": "#9a6700", "unverified": "#9a6700", "broken": "#c62f3b"}
_NONE = "#59636e"
_LETTER = 6.6
_LONGEST = 40


def badge(environment: str, cell: Cell | None) -> str:
    """Draw it; of a place that nothing is known of, too."""
    left = _cut(environment)
    right = _cut(cell.serving.version if cell and cell.serving else "nothing deployed")
    if cell and cell.health in {"broken", "unverified", "restored"}:
        right = f"{right} {cell.health}"
    colour = _COLOURS.get(cell.health, _NONE) if cell else _NONE
    first, second = (round(len(text) * _LETTER + 14) for text in (left, right))
    title = escape(f"{left}: {right}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{first + second}" height="20" rx="3" fill="#3a434e"/>'
        f'<path fill="{colour}" d="M{first} 0h{second - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{second - 3}z"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{first / 2:g}" y="14">{escape(left)}</text>'
        f'<text x="{first + second / 2:g}" y="14">{escape(right)}</text></g></svg>\n'
    )


def _cut(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
