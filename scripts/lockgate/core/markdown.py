"""Text from outside inside Markdown: shown as it is, never obeyed."""

from collections.abc import Iterable, Sequence

from lockgate.core.redaction import printable

_SPECIAL = str.maketrans(
    {character: "\\" + character for character in "\\`*_{}[]()#+!|~>@"} | {"<": "&lt;", "&": "&amp;"}
)


def escape(text: str) -> str:
    """Escape what Markdown, HTML and GitHub's mentions would read as markup; newlines become spaces."""
    return " ".join(printable(text).split()).translate(_SPECIAL)


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
