"""Make text from outside fit to be shown: no control characters, no workflow commands, no secrets."""

import re
from collections.abc import Iterable

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SHORTEST_SECRET = 4
"""A shorter value would blank out ordinary text, and hide nothing worth hiding."""


def printable(text: str) -> str:
    """Drop what could move the cursor, reorder text or speak to the workflow runner.

    GitHub's runner obeys `##[command]` anywhere in a line and `::command::` at its start; the first is broken up here,
    the second by whoever prints, with a prefix on every line.
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text).replace("##[", "# #[")


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret value by `***`."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def shorten(text: str, limit: int) -> str:
    """Cut to `limit` characters, saying how many are left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}... ({len(text) - limit} more characters)"
