"""Make text from outside fit to be shown: no control characters, no workflow commands, no secrets."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_COMMANDS = re.compile(r"(?m)^(\s*)::")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SHORTEST_SECRET = 4
"""A shorter value would blank out ordinary text, and hide nothing worth hiding."""
_SHORTEST_IN_DATA = 8
_MORE = " more characters"
_CUT = re.compile(rf"\.\.\. \\?\(\d+{_MORE}\\?\)")
"""The mark of `shorten`, in Markdown too. What was cut there may be a secret: eight characters of one are not shown."""


def printable(text: str) -> str:
    """Drop what could move the cursor, reorder text or speak to the workflow runner, and what is no text: surrogates.

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
    """Replace every secret by `***`, also a line of one that has several, and the beginning of one that was cut."""
    known = sorted(parts(secrets), key=len, reverse=True)
    for secret in known:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return _without_beginnings(text, known) if _MORE in text else text


def parts(secrets: Iterable[str]) -> set[str]:
    """Give the secrets, and of those of several lines each line that is longer than a word: it is shown alone, too."""
    whole = set(secrets)
    lines = {line.strip() for secret in whole if "\n" in secret or "\r" in secret for line in secret.splitlines()}
    return whole | {line for line in lines if len(line) >= _SHORTEST_IN_DATA}


def _without_beginnings(text: str, secrets: Iterable[str]) -> str:
    pieces, at = [], 0
    for mark in _CUT.finditer(text):
        pieces += [_without_beginning(text[at : mark.start()], secrets), mark[0]]
        at = mark.end()
    return "".join([*pieces, text[at:]])


def _without_beginning(text: str, secrets: Iterable[str]) -> str:
    """Blank out the beginning of a secret at the end of a text."""
    for secret in secrets:
        beginning = secret[:_SHORTEST_IN_DATA]
        at = text.find(beginning) if len(secret) > _SHORTEST_IN_DATA else -1
        while at >= 0:
            if secret.startswith(text[at:]):
                return f"{text[:at]}***"
            at = text.find(beginning, at + 1)
    return text


def hidden(value: Any, secrets: Iterable[str]) -> Any:
    """Redact every text in a JSON value, and its keys. What is as short as a word is left: a name may be that word."""
    known = [secret for secret in parts(secrets) if len(secret) >= _SHORTEST_IN_DATA]
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
    return f"{text[:limit]}... ({len(text) - limit}{_MORE})"
