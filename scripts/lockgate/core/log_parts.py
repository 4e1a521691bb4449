"""Large values of an event, kept in files of their own that are named by what they hold, and never written twice."""

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

LARGE = 8_000
"""Bytes of a value that would be sent again with every later event."""
PART = 400_000
"""Bytes in one file: GitHub shows no content of more than 1 MB."""
_MARK = "$parts"
_NAME = re.compile(r"[0-9a-f]{64}")


def taken_out(data: str) -> tuple[str, dict[str, str]]:
    """Give an event's data with names in the place of what is large, and the parts by name."""
    if len(data) < LARGE and _MARK not in data:
        return data, {}
    parts: dict[str, str] = {}
    kept = {}
    for name, value in json.loads(data).items():
        text = _dump(value)
        if len(text) >= LARGE or is_mark(value):
            pieces = {sha256(piece.encode()).hexdigest(): piece for piece in _pieces(text)}
            parts |= pieces
            kept[name] = {_MARK: [sha256(piece.encode()).hexdigest() for piece in _pieces(text)]}
        else:
            kept[name] = value
    return _dump(kept), parts


def named(data: str) -> list[str]:
    """Give the names of the parts that are needed."""
    if _MARK not in data:
        return []
    return [name for value in json.loads(data).values() if is_mark(value) for name in value[_MARK]]


def put_back(data: str, parts: Mapping[str, str]) -> str:
    """Give the data as it was; raise KeyError where a part is missing, ValueError where it is not what it was."""
    if not named(data):
        return data
    restored = {name: _joined(value, parts) if is_mark(value) else value for name, value in json.loads(data).items()}
    return _dump(restored)


def _joined(value: Mapping[str, Any], parts: Mapping[str, str]) -> Any:
    pieces = [parts[name] for name in value[_MARK]]
    for name, piece in zip(value[_MARK], pieces, strict=True):
        if sha256(piece.encode()).hexdigest() != name:
            raise ValueError(f"part {name} was changed")
    return json.loads("".join(pieces))


def is_mark(value: Any) -> bool:
    """Whether it stands for a value that is kept in files of its own."""
    if not isinstance(value, dict) or set(value) != {_MARK} or not isinstance(value[_MARK], list):
        return False
    return all(isinstance(name, str) and _NAME.fullmatch(name) for name in value[_MARK])


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PART] for start in range(0, len(text), PART))


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
