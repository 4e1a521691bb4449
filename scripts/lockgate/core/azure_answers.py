"""Read what Azure answers: its errors in all their forms, and where a long-running operation stands. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

ACCEPTED, NO_CONTENT = 202, 204
_DONE = {"succeeded"}
_ENDED = {"failed", "canceled", "cancelled"}
_LIMIT = 1000


class Said(NamedTuple):
    """An error as Azure tells it."""

    code: str
    message: str


class Standing(StrEnum):
    """Where an operation stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


def read_error(body: Any) -> Said:
    """Read an error: the Resource Manager's form, Microsoft.Web's own legacy form, a registry's, or none at all."""
    if not isinstance(body, Mapping):
        return Said("", str(body)[:_LIMIT] if body else "")
    inner = body.get("error")
    if isinstance(inner, Mapping):
        return Said(_text(inner.get("code")), _with_details(inner))
    if "Message" in body:
        return Said(_text(body.get("Code")), _text(body.get("Message")))
    errors = body.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        return Said(_text(errors[0].get("code")), _text(errors[0].get("message")))
    return Said(_text(body.get("code")), _text(body.get("message")))


def standing(status: int, body: Any, *, polling_status: bool) -> Standing:
    """Say where an operation stands, from one answer to a poll.

    `polling_status`: an Azure-AsyncOperation URL, which always answers 200 and names the status in its body. Otherwise
    it is a Location URL: 202 until it has ended.
    """
    if polling_status:
        word = _text(body.get("status")).lower() if isinstance(body, Mapping) else ""
        if word in _DONE:
            return Standing.DONE
        return Standing.FAILED if word in _ENDED else Standing.RUNNING
    return Standing.RUNNING if status == ACCEPTED else Standing.DONE


def provisioning(body: Any) -> Standing:
    """Say where a resource stands that was answered with 200 or 201 and goes on changing by itself."""
    properties = body.get("properties") if isinstance(body, Mapping) else None
    word = _text(properties.get("provisioningState")).lower() if isinstance(properties, Mapping) else ""
    if not word or word in _DONE:
        return Standing.DONE
    return Standing.FAILED if word in _ENDED else Standing.RUNNING


def _with_details(inner: Mapping[str, Any]) -> str:
    """The message, and where it says little the first one inside it."""
    message = _text(inner.get("message"))
    details = inner.get("details")
    if isinstance(details, list):
        more = [_text(one.get("message")) for one in details if isinstance(one, Mapping)]
        message = " ".join([message, *(text for text in more if text and text not in message)])
    return message[:_LIMIT]


def _text(value: Any) -> str:
    return str(value)[:_LIMIT] if value is not None else ""
