"""What somebody meant who mistyped a word."""

import difflib
from collections.abc import Iterable


def meant(word: str, known: Iterable[str]) -> str:
    """Ask whether they meant the nearest word that is known, with a space behind; "" where none is near."""
    near = difflib.get_close_matches(word, known, 1)
    return f'Did you mean "{near[0]}"? ' if near else ""
