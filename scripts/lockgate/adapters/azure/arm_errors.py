"""Azure's errors as ours: what was asked, what Azure said, what to do; and whether it may have happened anyway."""

from typing import Any
from urllib.parse import urlsplit

from lockgate.core.azure_answers import read_error
from lockgate.core.redaction import printable, shorten
from lockgate.errors import (
    AzureConflictError,
    AzureDeniedError,
    AzureError,
    AzureNotFoundError,
    AzureRefusedError,
    AzureUnavailableError,
    OperationFailedError,
    OperationTimedOutError,
)

_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _THROTTLED, _SERVER = 401, 403, 404, 409, 429, 500
_TIMEOUT = 408
_LIMIT = 900
_LOOK = "What Azure said is the cause; the activity log of the resource says more."


def refused(method: str, url: str, status: int, body: Any, *, asks: bool, again: bool = False) -> AzureError:
    """Give the error for an answer of 400 or more. `asks`: the call has no effect whatever becomes of it.

    `again`: it was sent before, and that may have been accepted.
    """
    code, message = read_error(body)
    kind, what, fix = _meaning(status)
    transient = kind is AzureUnavailableError
    return kind(
        f"{what.format(subject(method, url))} ({status}{f' {printable(code)}' if code else ''}).",
        why=_said(code, message, status),
        fix=fix,
        status=status,
        code=code,
        certain=asks or (not again and (not transient or status == _THROTTLED)),
    )


def _meaning(status: int) -> tuple[type[AzureError], str, str]:
    if status in {_UNAUTHORISED, _FORBIDDEN}:
        fix = (
            "Give the identity that signed in the role that docs/azure.md names for this, at that scope; a new "
            "assignment takes up to ten minutes to be known."
        )
        return AzureDeniedError, "Azure does not allow {}", fix
    if status == _NOT_FOUND:
        fix = "Check the names in lockgate.yml, and azure.subscription and azure.resource_group."
        return AzureNotFoundError, "Azure knows nothing to do {} on", fix
    if status == _CONFLICT:
        fix = "Wait until the other operation has ended (the activity log names it), then run this again."
        return AzureConflictError, "Azure is at work on it already and refused {}", fix
    if status in {_THROTTLED, _TIMEOUT} or status >= _SERVER:
        fix = "Run this again later; status.azure.com tells of outages."
        return AzureUnavailableError, "Azure gave no usable answer to {}", fix
    return AzureRefusedError, "Azure refused {}", "Correct what Azure names, then run this again."


def lost(method: str, url: str, text: str, *, certain: bool) -> AzureError:
    """Give the error for an answer that never came. `certain`: nothing was sent."""
    return AzureUnavailableError(
        f"The connection broke over {subject(method, url)}.",
        why=shorten(printable(text), _LIMIT),
        fix="Check the network to Azure; behind a private CA, SSL_CERT_FILE must name it. Then run this again.",
        certain=certain,
    )


def garbled(method: str, url: str, text: str, *, certain: bool) -> AzureError:
    """Give the error for an answer that says it is well and is none of Azure's: a proxy's page, for example."""
    return AzureUnavailableError(
        f"What answered {subject(method, url)} is not Azure.",
        why=shorten(f"It said: {' '.join(printable(text).split()) or 'nothing'}", _LIMIT),
        fix="Look for a proxy between this runner and Azure, or correct azure.cloud.resource_manager.",
        certain=certain,
    )


def unfinished(method: str, url: str, body: Any) -> AzureError:
    """Give the error for an operation that was accepted and ended badly."""
    code, message = read_error(body)
    return OperationFailedError(
        f"Azure began and did not finish {subject(method, url)}{f' ({code})' if code else ''}.",
        why=_said(code, message, 0),
        fix=_LOOK,
        code=code,
        certain=False,
    )


def unanswered(method: str, url: str, error: AzureError) -> AzureError:
    """Give the error for an accepted call whose poll went wrong: that says nothing of the call's effect.

    A refusal is how the end of a failed operation is told where a Location is polled; it is also how a poll is refused.
    """
    told = isinstance(error, AzureRefusedError)
    kind = OperationFailedError if told else type(error)
    what = "Azure began and did not finish" if told else "It cannot be said what became of"
    return kind(
        f"{what} {subject(method, url)}{f' ({printable(error.code)})' if error.code else ''}.",
        why=error.why if told else f"{error.what} {error.why}".strip(),
        fix=_LOOK if told else error.fix,
        status=error.status,
        code=error.code,
        certain=False,
    )


def timed_out(method: str, url: str) -> AzureError:
    """Give the error for an operation that did not end in time."""
    return OperationTimedOutError(
        f"Azure did not finish {subject(method, url)} in time.",
        why="It was accepted, and may still end either way.",
        fix="Look at the resource's activity log; `lockgate recover` looks at what became of it.",
        certain=False,
    )


def subject(method: str, url: str) -> str:
    """Name a call for people: `POST sites/shop/slots/staging/slotsswap`, without subscription and group."""
    path = urlsplit(url).path
    _, found, resource = path.partition("/providers/")
    short = resource.split("/", 1)[-1] if found else path
    return f"{method} {printable(short)[:200]}".strip()


def _said(code: str, message: str, status: int) -> str:
    text = " ".join(printable(message).split())
    return shorten(f"Azure said: {text or code or status}", _LIMIT)
