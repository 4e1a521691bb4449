"""The ledger's functions by Supabase's REST API: one request for each, which the database does whole or not at all."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lockgate.adapters import tracing
from lockgate.core.ledger import as_json
from lockgate.core.ledger_rules import is_private
from lockgate.errors import LedgerRefusedError, LedgerUnavailableError, StateError

_NEW_KEY = "sb_"
_LARGEST_ANSWER = 50_000_000
_SHOWN = 300
_SERVER_FAULT = 500
_NO_DATA = "22"
"""The class of SQLSTATE for what is no time, no number, no text."""
_TRY_AGAIN = frozenset({408, 425, 429})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key goes nowhere but to the URL of the config."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing; the redirect becomes the answer."""


class SupabaseCall:
    """Calls a function by POST /rest/v1/rpc/NAME. Keys of both kinds: `sb_secret_...`, and the `service_role` JWT."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        if not is_private(url):
            raise LedgerRefusedError(f"{url} is not asked: the key would be readable on its way.", fix="Use https://.")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise LedgerRefusedError(
                "The ledger's key is not a key: it holds a space, a line break or a letter beyond ASCII.",
                fix="Copy it again from the project's API settings.",
            )
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._headers = {"apikey": key, "Content-Type": "application/json", "Accept": "application/json"}
        if not key.startswith(_NEW_KEY):  # only a JWT may stand here: the new keys are none
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._one_at_a_time = threading.Lock()

    def __call__(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """Give what the function returns; raise LedgerUnavailableError, LedgerRefusedError."""
        request = urllib.request.Request(  # noqa: S310 - https, or this machine: see __init__
            f"{self._url}/rest/v1/rpc/{function}",
            as_json(arguments).encode(),
            self._headers | tracing.headers(),
            method="POST",
        )
        with self._one_at_a_time:
            try:
                with self._opener.open(request, timeout=self._timeout) as answer:
                    text = answer.read(_LARGEST_ANSWER)
            except urllib.error.HTTPError as error:
                with error:
                    raise self._explain(error.code, _told(error)) from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                # A key is in none of them.
                reason = getattr(error, "reason", error)
                raise LedgerUnavailableError(
                    f"The ledger at {self._host} did not answer: {reason}.", fix="Look at the project's status page."
                ) from error
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise LedgerUnavailableError(
                f"The ledger at {self._host} answered something that is no JSON.", why=_start(text)
            ) from error

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc

    def _explain(self, status: int, body: bytes) -> StateError:
        code = ""
        try:
            told = json.loads(body)
            code = str(told.get("code", status))
            text = f"{told.get('message', '')} ({code})"
        except (ValueError, AttributeError):
            text = f"HTTP {status}: {_start(body)}"
        if status >= _SERVER_FAULT or status in _TRY_AGAIN:
            return LedgerUnavailableError(f"The ledger at {self._host} is out of order: {text}.")
        if code.startswith(_NO_DATA):
            return LedgerRefusedError(f"The ledger at {self._host} does not take what it was told: {text}.")
        return LedgerRefusedError(
            f"The ledger at {self._host} refused: {text}.",
            why="The key is not this project's secret key, or its migrations are not applied.",
            fix="Apply supabase/migrations (`supabase db push`), and use an `sb_secret_...` or service_role key.",
        )


def _told(error: urllib.error.HTTPError) -> bytes:
    """Read why it said no; a reason that is cut off leaves the status."""
    try:
        return error.read(_LARGEST_ANSWER)
    except (OSError, http.client.HTTPException):
        return b""


def _start(body: bytes) -> str:
    return body[:_SHOWN].decode(errors="replace").replace("\n", " ")
