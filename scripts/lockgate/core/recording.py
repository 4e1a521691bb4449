"""Recorded samples: what a line of a recording means, and what a whole recording holds.

A line is a JSON object: `t` (seconds), `revision` ("preview" or "active"), `indicator`, `good`. Of other keys,
`detail`, `status`, `latency` (seconds) and `body` are shown where a sample is an example, and `reason_code` says how it
was bad; the rest is not looked at.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.outcome import SHOWN
from lockgate.core.redaction import printable, shorten
from lockgate.core.samples import Fault, Role, Sample

LATE = 60.0
"""Seconds that a sample may come after a later one: its time is that of the question, its place that of the answer."""
NAME_LIMIT = 100
"""Longest name of an indicator, and most indicators in a recording: what is counted must fit into memory."""
_ROLES = {"preview": Role.CANDIDATE, "active": Role.BASELINE}
_FAULTS = {fault.value for fault in Fault}
_NAMES = {role: name for name, role in _ROLES.items()}
_KEYS = ("t", "revision", "indicator", "good")
_ERROR_STATUS = 400
_LATEST = 1e11


class NotASampleError(Exception):
    """A line has no place in a recording; the text says why."""


def sample(line: bytes) -> Sample:
    """Read one line; raise NotASampleError with what is wrong with it."""
    try:
        found = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise NotASampleError(f"not JSON: {shorten(printable(line.decode(errors='replace')).strip(), 60)}") from None
    if not isinstance(found, dict):
        raise NotASampleError(f"expected an object with {', '.join(_KEYS)}, got {_kind(found)}")
    try:
        t, revision, indicator, good = found["t"], found["revision"], found["indicator"], found["good"]
    except KeyError:
        raise NotASampleError("no " + ", ".join(f'"{key}"' for key in _KEYS if key not in found)) from None
    if isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t <= _LATEST:
        raise NotASampleError(f'"t" must be a number of seconds, at least 0, not {_shown(t)}')
    if not isinstance(revision, str) or revision not in _ROLES:
        raise NotASampleError(f'"revision" must be "preview" or "active", not {_shown(revision)}')
    if not isinstance(indicator, str) or not indicator.isprintable() or not 0 < len(indicator) <= NAME_LIMIT:
        raise NotASampleError(f'"indicator" must be a name of at most {NAME_LIMIT} characters, not {_shown(indicator)}')
    if not isinstance(good, bool):
        raise NotASampleError(f'"good" must be true or false, not {_shown(good)}')
    latency = _latency(found["latency"]) if "latency" in found else None
    if good:
        return Sample(float(t), _ROLES[revision], indicator, good=True, latency=latency)
    return Sample(float(t), _ROLES[revision], indicator, False, _fault(found), latency, _detail(found, latency))


def line(one: Sample) -> str:
    """Write a sample as a line that can be read back, to the microsecond."""
    found: dict[str, Any] = {
        "t": round(one.t, 6),
        "revision": _NAMES[one.role],
        "indicator": one.indicator,
        "good": one.good,
    }
    if one.latency is not None:
        found["latency"] = round(one.latency, 6)
    if one.fault is not None:
        found["reason_code"] = one.fault.value
    if one.detail:
        found["detail"] = one.detail
    return json.dumps(found) + "\n"


@dataclass(slots=True)
class Census:
    """What is in a recording; of constant size, however long that is."""

    samples: int = 0
    first: float = math.inf
    last: float = -math.inf
    counts: dict[tuple[str, Role], int] = field(default_factory=dict)

    def add(self, one: Sample) -> None:
        """Count a sample; raise NotASampleError where it has no place here."""
        if one.t < self.last - LATE:
            raise NotASampleError(
                f'"t" goes back from {self.last:g} to {one.t:g}: lines must be in order of time; '
                f"an answer may come {LATE:g} s late, not more"
            )
        self.samples += 1
        self.first, self.last = min(self.first, one.t), max(self.last, one.t)
        place = (one.indicator, one.role)
        if place not in self.counts and len(self.counts) >= 2 * NAME_LIMIT:
            raise NotASampleError(f"more than {NAME_LIMIT} indicators")
        self.counts[place] = self.counts.get(place, 0) + 1

    @property
    def indicators(self) -> list[str]:
        """The indicators of the preview, in order of their first sample."""
        return [name for name, role in self.counts if role is Role.CANDIDATE]

    @property
    def has_baseline(self) -> bool:
        """Whether the revision that served was sampled too."""
        return any(role is Role.BASELINE for _, role in self.counts)

    @property
    def span(self) -> float:
        """Seconds from the first sample to the last."""
        return max(0.0, self.last - self.first)


def _latency(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= _LATEST else None


def _fault(found: dict[str, Any]) -> Fault:
    """Give how a sample was bad, as far as the recording says."""
    said = found.get("reason_code")
    if isinstance(said, str) and said in _FAULTS:
        return Fault(said)
    if found["indicator"] == "latency":
        return Fault.TOO_SLOW
    status = found.get("status")
    return Fault.ERROR_STATUS if isinstance(status, int) and status >= _ERROR_STATUS else Fault.BAD_SAMPLE


def _detail(found: dict[str, Any], latency: float | None) -> str:
    status, body = found.get("status"), found.get("body")
    known = [
        str(found["detail"]) if isinstance(found.get("detail"), str) else "",
        f"status {status}" if isinstance(status, int) else "",
        f"after {latency * 1000:.0f} ms" if latency is not None else "",
        body if isinstance(body, str) else "",
    ]
    seen = ", ".join(filter(None, known)) or "bad, and the recording does not say how"
    return f"at {found['t']:.10g} s: {shorten(_clean(seen), SHOWN)}"


def _clean(text: str) -> str:
    # JSON can spell halves of characters that no file can hold.
    return " ".join(printable(text).encode(errors="replace").decode().split())


def _shown(value: Any) -> str:
    return _kind(value) if isinstance(value, list | dict) else shorten(_clean(json.dumps(value)), 60)


def _kind(value: Any) -> str:
    return {list: "a list", dict: "an object", str: "text", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )
