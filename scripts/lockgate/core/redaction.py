"""Make text from outside fit to be shown: no control characters, no workflow commands, no secrets."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_COMMANDS = re.compile(r"(?m)^(\s*)::")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
SHORTEST_SECRET = 4
"""A shorter value would blank out ordinary text, and hide nothing worth hiding."""
_SHORTEST_IN_DATA = 8


def printable(text: str) -> str:
    """Drop what could move the cursor, reorder text or speak to the workflow runner.

    GitHub's runner obeys `##[command]` anywhere in a line and `::command::` at its start; the first is broken up here,
    the second by whoever prints, with a prefix on every line.
    """
    if text.isprintable():  # all that is looked for below is not; most texts are, and a report has many
        return text.replace("##[", "# #[")
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text).replace("##[", "# #[")


def unobeyed(text: str) -> str:
    """Break up the `::` at the start of each line: GitHub's runner obeys it there, also with space before it."""
    return _COMMANDS.sub(r"\1: :", text)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret value by `***`."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def hidden(value: Any, secrets: Iterable[str]) -> Any:
    """Redact every text in a JSON value, and its keys. What is as short as a word is left: a name may be that word."""
    known = [secret for secret in set(secrets) if len(secret) >= _SHORTEST_IN_DATA]
    return _hidden(value, known) if known else value


def _hidden(value: Any, secrets: Iterable[str]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, Mapping):
        return {redact(key, secrets): _hidden(one, secrets) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(one, secrets) for one in value]
    return value


def shorten(text: str, limit: int) -> str:
    """Cut to `limit` characters, saying how many are left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}... ({len(text) - limit} more characters)"
