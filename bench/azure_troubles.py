"""What can go wrong with one call of a rollout on Azure: each is prepared a moment before that call is made."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.azure_place import AzurePlace
from tests.standins.azure.faults import Fault, When
from tests.standins.azure.messages import Answer, error, web_conflict
from tests.standins.azure.operations import Plans

LASTING = 10_000
"""Until Azure is healed."""
LONG = 90.0
"""Seconds of a slow operation: it still runs when a dead process's lease has ended."""
_ASKS = re.compile(r"^GET |^HEAD |/list$|/listSecrets$|^POST /oauth2/")
_BEGINS = re.compile(r"^POST .*/slotsswap$|^PATCH .*/containerApps/[^/]+$")
_NOT_STARTED = "Cannot swap site slots because the worker process for 'preview' slot could not be started."
_WAIT = {"Retry-After": "1"}


class KilledError(BaseException):
    """The process is gone: nothing catches this."""


def asks(call: str) -> bool:
    """Whether a call only asks, so that before and after its effect are the same."""
    return _ASKS.search(call) is not None


def begins(call: str) -> bool:
    """Whether a call begins a long-running operation."""
    return _BEGINS.search(call) is not None


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong."""

    strike: Callable[[AzurePlace, str], object]
    applies: Callable[[str], bool] = lambda _: True
    kills: str = ""
    """Whether the process dies "before" or "after" the call."""


def _writes(call: str) -> bool:
    return not asks(call)


def _fault(**given: Any) -> Callable[[AzurePlace, str], object]:
    return lambda place, call: place.azure.faults.add(Fault(f"^{re.escape(call)}$", **given))


def _status(status: int, when: When, *, wait: bool = False, times: int = 1) -> Callable[[AzurePlace, str], object]:
    body = error(status, "InternalServerError", "The server encountered an error.").body
    return _fault(answer=Answer(status, body, _WAIT if wait else {}), when=when, times=times)


def _throttle(*, wait: bool, times: int) -> Callable[[AzurePlace, str], object]:
    body = error(429, "TooManyRequests", "Number of requests exceeded the limit.").body
    return _fault(answer=Answer(429, body, _WAIT if wait else {}), times=times)


def _operation(**given: Any) -> Callable[[AzurePlace, str], object]:
    def strike(place: AzurePlace, _: str) -> None:
        place.azure.operations.following = Plans(**given)

    return strike


def _expire(place: AzurePlace, _: str) -> None:
    place.wire.later += 4000.0
    place.azure.identity.assertion_seconds = -1.0


def _revoke(place: AzurePlace, _: str) -> None:
    place.azure.application.revoked = True


def _nothing(place: AzurePlace, call: str) -> None:
    """The process alone is struck."""


_FAILED = error(409, "Conflict", "The operation was cancelled by the platform.")
TROUBLES: Mapping[str, Trouble] = {
    "429 five times, Retry-After": Trouble(_throttle(wait=True, times=5)),
    "429 five times": Trouble(_throttle(wait=False, times=5)),
    "429 lasting": Trouble(_throttle(wait=True, times=LASTING)),
    "500 before": Trouble(_status(500, When.BEFORE)),
    "502 before, Retry-After": Trouble(_status(502, When.BEFORE, wait=True)),
    "503 before": Trouble(_status(503, When.BEFORE)),
    "500 after": Trouble(_status(500, When.AFTER), _writes),
    "502 after, Retry-After": Trouble(_status(502, When.AFTER, wait=True), _writes),
    "503 after": Trouble(_status(503, When.AFTER), _writes),
    "503 lasting": Trouble(_status(503, When.BEFORE, times=LASTING)),
    "503 lasting, done": Trouble(_status(503, When.AFTER, times=LASTING), _writes),
    "lost before": Trouble(_fault(lost=True)),
    "lost after": Trouble(_fault(lost=True, when=When.AFTER), _writes),
    "noise after": Trouble(_fault(garbled=True, when=When.AFTER)),
    "no JSON": Trouble(_fault(answer=Answer(200, b"<html>Sign in to the proxy</html>", {"Content-Type": "text/html"}))),
    "legacy 409 once": Trouble(_fault(answer=web_conflict()), _writes),
    "legacy 409 lasting": Trouble(_fault(answer=web_conflict(), times=LASTING), _writes),
    "400 slot not started": Trouble(_fault(answer=error(400, "BadRequest", _NOT_STARTED)), _writes),
    "operation slow": Trouble(_operation(seconds=LONG, retry_after=15), begins),
    "operation stuck": Trouble(_operation(stuck=True, retry_after=15), begins),
    "operation fails at its end": Trouble(_operation(seconds=10, failure=_FAILED), begins),
    "poll URL on a foreign host": Trouble(_operation(foreign=True), begins),
    "assertion expired": Trouble(_expire),
    "role revoked": Trouble(_revoke),
    "killed before": Trouble(_nothing, kills="before"),
    "killed after": Trouble(_nothing, _writes, kills="after"),
    "killed, operation runs": Trouble(_operation(seconds=LONG), begins, kills="after"),
}
