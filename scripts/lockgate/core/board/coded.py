"""Answers of the ledger as text for another replica: JSON, from which nothing but these plain data can be made."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from lockgate.core.board.findings import Found, Short
from lockgate.core.board.rows import Serving, Slice
from lockgate.core.board.story import Brought, Line, Story
from lockgate.core.board.waiting import Waiting
from lockgate.core.board.watches import Indicator, Judged
from lockgate.core.board.watching import WatchNote
from lockgate.core.budgets import Breach, Kept, Promises
from lockgate.core.ledger import Deployment
from lockgate.core.metrics import Counted, Median

_CLASSES: Mapping[str, type] = {
    one.__name__: one
    for one in (
        *(Serving, Short, Found, Slice, Deployment, Story, Brought, Line, Judged, Indicator, WatchNote, Waiting),
        *(Counted, Median, Promises, Kept, Breach),
    )
}


class NotOursError(ValueError):
    """The text was not written by a replica of this board, or by another version of it."""


def sealed(value: Any, secret: bytes) -> str:
    """Write a value, with a mark that only who knows the secret can make; "" as the secret makes none."""
    text = json.dumps(_down(value), separators=(",", ":"))
    return f"{_mark(text, secret)}.{text}"


def opened(sealed_text: str, secret: bytes) -> Any:
    """Read what `sealed` wrote; raise NotOursError."""
    mark, _, text = sealed_text.partition(".")
    if not hmac.compare_digest(mark, _mark(text, secret)):
        raise NotOursError("the mark is another")
    try:
        return _up(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotOursError(str(error)) from error


def named(question: Any, *about: str) -> str:
    """Name a question by all that its answer depends on, also the viewer's claims; in every process the same."""
    text = json.dumps([_plain(question), *about, shape()], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@cache
def shape() -> str:
    """Name what these classes look like in this version: another one's answers are none of ours."""
    told = {name: [field.name for field in fields(one)] for name, one in _CLASSES.items()}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def _mark(text: str, secret: bytes) -> str:
    return hmac.new(secret, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest() if secret else "-"


def _down(value: Any) -> Any:
    if value is None or type(value) in {str, int, float, bool}:
        return value
    if is_dataclass(value):
        name = type(value).__name__
        if _CLASSES.get(name) is not type(value):
            raise TypeError(f"{name} is not shared")
        return {"c": name, "v": [_down(getattr(value, field.name)) for field in fields(value)]}
    if isinstance(value, Mapping):
        return {"d": {str(name): _down(one) for name, one in value.items()}}
    if isinstance(value, tuple):
        return {"t": [_down(one) for one in value]}
    if isinstance(value, list):
        return [_down(one) for one in value]
    raise TypeError(f"{type(value).__name__} is not shared")


def _up(value: Any) -> Any:
    if isinstance(value, list):
        return [_up(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "c" in value:
        return _CLASSES[value["c"]](*map(_up, value["v"]))
    if "t" in value:
        return tuple(map(_up, value["t"]))
    return {name: _up(one) for name, one in value["d"].items()}


def _plain(value: Any) -> Any:
    """Give a part of a question so that the same is always written the same."""
    for kind, write in _WAYS:
        if isinstance(value, kind):
            return write(value)
    if is_dataclass(value):
        return [type(value).__name__, *(_plain(getattr(value, field.name)) for field in fields(value))]
    raise TypeError(f"{type(value).__name__} is in no question")


_WAYS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Enum, lambda one: _plain(one.value)),
    ((str, int, float, bool, type(None)), lambda one: one),
    (datetime, datetime.isoformat),
    (frozenset, lambda one: ["set", *sorted(one)]),
    (Mapping, lambda one: {str(name): _plain(each) for name, each in one.items()}),
    ((tuple, list), lambda one: [_plain(each) for each in one]),
)
