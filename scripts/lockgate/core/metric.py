"""Read what a Prometheus server answers to an instant query, and hold its values against a comparison.

Source: Prometheus HTTP API v1, `/api/v1/query`: a scalar is [time, "value"], a vector a list of
{"value": [time, "value"]}.
"""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.probe_config import VERSION_PLACE
from lockgate.core.redaction import printable, shorten

_COMPARISON = re.compile(r"(<=|>=|==|!=|<|>) ?(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/:@-]{0,199}")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class NoDataError(Exception):
    """The answer holds no number; the text says why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """When a value is good."""

    operator: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> "Comparison":
        """Read one like `< 0.01`; raise ValueError."""
        found = _COMPARISON.fullmatch(text)
        if not found:
            raise ValueError(f'expected a comparison like < 0.01, got "{text}"')
        return cls(found[1], float(found[2]))

    def holds(self, value: float) -> bool:
        """Whether a value is good."""
        return _COMPARE[self.operator](value, self.bound)


def values(body: bytes) -> list[float]:
    """Give the numbers of an answer, at least one; raise NoDataError.

    NaN is no number: it is what a rate of nothing divided by nothing is.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NoDataError("the answer is not JSON") from None
    if not isinstance(document, dict) or document.get("status") != "success":
        error = document.get("error") if isinstance(document, dict) else None
        told = shorten(printable(str(error)), 160) if error else "no status success"
        raise NoDataError(f"the server says: {told}")
    data = document.get("data")
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, dict) else (None, None)
    if kind == "scalar":
        found = [_number(result)]
    elif kind == "vector" and isinstance(result, list):
        found = [_number(one.get("value") if isinstance(one, dict) else None) for one in result]
    else:
        raise NoDataError("the answer is neither a scalar nor a vector")
    numbers = [one for one in found if not math.isnan(one)]
    if not numbers:
        raise NoDataError("no value" if not found else "not a number (NaN)")
    return numbers


def query_for(query: str, version: str) -> str:
    """Put a version into a query; raise NoDataError where it could leave the string that it stands in."""
    if VERSION_PLACE in query and not _VERSION.fullmatch(version):
        raise NoDataError(f"the version {shorten(printable(version), 40)!r} has no place in a query")
    return query.replace(VERSION_PLACE, version)


def _number(pair: Any) -> float:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], str):  # noqa: PLR2004 - time and value
        raise NoDataError("a value is not a pair of time and number")
    try:
        return float(pair[1])
    except ValueError:
        raise NoDataError(f"a value is {shorten(printable(pair[1]), 40)}, not a number") from None
