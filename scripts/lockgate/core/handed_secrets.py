"""Secrets that travel as one JSON object of names and texts: no workflow can declare names that only a config knows."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""As in schemas/lockgate.schema.json, wherever a variable is named."""
_STEERING = re.compile(
    r"(?:ACTIONS_|AZURE_|BASH_|DYLD_|GIT_|GITHUB_|LD_|LOCKGATE_|PYTHON|RUNNER_|UV_).*"
    r"|PATH|HOME|SHELL|ENV|IFS|TMPDIR|CI|PORT|VIRTUAL_ENV|(?:HTTPS?|ALL|NO)_PROXY|SSL_CERT_(?:FILE|DIR)"
    r"|(?:REQUESTS|CURL)_CA_BUNDLE|NODE_(?:OPTIONS|PATH)|PERL5(?:LIB|OPT)|RUBY(?:LIB|OPT)|JAVA_TOOL_OPTIONS"
)
"""What programs read to know where to look and whom to ask, and what speaks for the job. No such name is a secret's."""
_MOST_TOLD = 5
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def read(text: str) -> dict[str, str]:
    """Give name -> value, of a blank text none; raise ValueError, whose text says what is wrong and holds no value."""
    if not text.strip():
        return {}
    try:
        # Not as a mapping: of two equal names the first would be gone without a word.
        pairs = json.loads(text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_no)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON from line {error.lineno}, column {error.colno} on") from None
    except (RecursionError, ValueError):
        raise ValueError("it is no JSON") from None
    if not isinstance(pairs, _Pairs):
        raise ValueError(f"it is {_kind(pairs)}, not an object")  # noqa: TRY004 - a text that is wrong, for who calls
    if problems := list(_problems(pairs)):
        more = len(problems) - _MOST_TOLD
        raise ValueError("; ".join(problems[:_MOST_TOLD]) + (f"; and {more} more" if more > 0 else ""))
    return dict(pairs)


class _Pairs(list[tuple[str, Any]]):
    """The names and values of one object, as they stand there."""


class _Number:
    """A number, unread: how large it is matters to nobody."""

    def __init__(self, text: str) -> None:
        del text


def _no(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and its like, which JSON does not have


def _problems(pairs: _Pairs) -> Iterator[str]:
    seen = set()
    for number, (name, value) in enumerate(pairs, 1):
        if not _NAME.fullmatch(name):
            # It is not shown: where names and values were exchanged, it is a secret.
            yield f"name {number} is not the name of a variable"
        elif _STEERING.fullmatch(name.upper()):
            yield f"{name} steers programs or belongs to Lockgate, GitHub or Azure"
        elif name in seen:
            yield f"{name} is there twice"
        elif not isinstance(value, str):
            yield f"{name} is {_kind(value)}, not text"
        elif not _fits(value):
            yield f"{name} holds what no variable can hold"
        seen.add(name)


def _kind(value: Any) -> str:
    return _KINDS.get(dict if isinstance(value, _Pairs) else type(value), "a number")


def _fits(value: str) -> bool:
    """Whether a process could get it as a variable: no NUL, and no half of a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
