"""Text from outside inside Markdown: shown as it is, never obeyed."""

import re
from collections.abc import Iterable, Sequence

from lockgate.core.redaction import printable

_SPECIAL = str.maketrans(
    {character: "\\" + character for character in "\\`*_{}[]()#+!|~>$"} | {"<": "&lt;", "&": "&amp;"}
)
_NOTHING = "\N{ZERO WIDTH SPACE}"
_LINKED = re.compile(r"(?<!\w)@|@(?=[\w-]+\.)|#(?=\d)|://|\bwww(?=\.)|\bGH-(?=\d)", re.IGNORECASE)
"""What GitHub makes a mention, a reference or a link of, after Markdown's own escapes are gone: people are told, and
other issues get a line that points here. Dependabot and Renovate break it up so, too. A digest stays as it is."""


def escape(text: str) -> str:
    """Escape what Markdown and HTML would read as markup, and GitHub as a mention or a link; newlines become spaces."""
    words = " ".join(printable(text).split())
    return _LINKED.sub(lambda found: _broken(found[0]), words).translate(_SPECIAL)


def _broken(text: str) -> str:
    """Put nothing into what is read as one word, where it is shown all the same."""
    return f"{text[0]}{_NOTHING}{text[1:]}" if text == "://" else f"{text}{_NOTHING}"


def code(text: str) -> str:
    """Show text as inline code, whatever backticks it holds."""
    text = " ".join(printable(text).split()) or " "
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def block(text: str, language: str = "") -> str:
    """Show text as a code block that it cannot end."""
    text = printable(text).strip("\n")
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Build a table; cells are Markdown already, see `escape` and `code`."""
    lines = [_row(header), _row(["---"] * len(header))]
    lines += [_row(row) for row in rows]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ") for cell in cells) + " |"
