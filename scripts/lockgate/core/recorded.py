"""Whether a recorded event says what Lockgate lets it say.

Whoever may push to a repository can edit the ledger that is kept there: it is checked before it is believed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lockgate.core.fleet import Ending
from lockgate.core.release import Release
from lockgate.core.rollout_model import Event, Plan, Standing

_SHOWN = 60
_TIMES = ("committed_at", "merged_at")
CHECKED = (
    *("plan", "platform", "run_url", "change", "found", "fleet", "budgets"),
    *("outcome", "reason_code", "message", "member", "standing"),
)
"""What is looked at; the evidence that came with a release is checked by whoever asks for it."""


def check(kind: str, data: Mapping[str, Any]) -> None:
    """Raise ValueError where the data of a beginning or an ending is not what such an event has."""
    try:
        if kind == "rollout.started":
            _started(data)
        elif kind == "rollout.finished":
            _finished(data)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{kind}: {type(error).__name__}: {error}") from error


def check_step(kind: str, data: Mapping[str, Any]) -> None:
    """Raise ValueError where an event from which a rollout is taken up again is not what such an event has."""
    check(kind, data)
    try:
        if kind.startswith("happened."):
            _happened(kind, data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{kind}: {type(error).__name__}: {error}") from error


def _started(data: Mapping[str, Any]) -> None:
    _plan(data["plan"])
    _texts(data, "platform", optional=("run_url",))
    change = data.get("change", {})
    _texts(change, optional=("kind", *_TIMES))
    for moment in (change[name] for name in _TIMES if change.get(name)):
        if datetime.fromisoformat(moment).tzinfo is None:
            raise ValueError(f"the time {moment[:_SHOWN]} has no zone")
    for wave in data["fleet"]["waves"] if "fleet" in data else ():
        _texts(dict(enumerate(wave)), *range(len(wave)))


def _finished(data: Mapping[str, Any]) -> None:
    _texts(data, "outcome", "reason_code", "message", optional=("member",))
    Ending.from_dict(data)
    if data["standing"] is not None:
        _standing(data["standing"])


def _happened(kind: str, data: Mapping[str, Any]) -> None:
    _texts(data, "revision", "reason_code", "message")
    _flags(data, "passed")
    Event.from_dict(kind.removeprefix("happened."), data)


def _plan(data: Mapping[str, Any]) -> None:
    _texts(data, "rollout", "environment", "actor", "approval", "about", "override", optional=("fleet",))
    _flags(data, "integrate", "reversible", "hold")
    _release(data["release"])
    if data["baseline"] is not None:
        _standing(data["baseline"])
    if not data["steps"] or not all(type(step) is int and 0 < step <= 100 for step in data["steps"]):  # noqa: PLR2004
        raise ValueError("a step is no percentage")
    Plan.from_dict(data)


def _standing(data: Mapping[str, Any]) -> None:
    _texts(data, "revision")
    _flags(data, "verified")
    _release(data["release"])
    Standing.from_dict(data)


def _release(data: Mapping[str, Any]) -> None:
    _texts(data, "service", "version", "commit", "artifact", optional=("digest",))
    if data.get("digest", "") not in {"", Release.from_dict(data).artifact.digest}:
        raise ValueError("a release names two digests")


def _texts(data: Mapping[Any, Any], *names: Any, optional: tuple[str, ...] = ()) -> None:
    wanted = [*names, *(name for name in optional if data.get(name) is not None)]
    for name in wanted:
        if not isinstance(data[name], str):
            raise TypeError(f"{name} is no text")
        data[name].encode()  # half a character of two, which JSON can hold, is kept by no database


def _flags(data: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(data[name], bool):
            raise TypeError(f"{name} is neither true nor false")
