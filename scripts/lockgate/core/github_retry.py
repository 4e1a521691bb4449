"""When a question to GitHub is asked again, and after how long: decided from the answer, bounded by whoever asks.

Facts: docs.github.com, "Rate limits for the REST API": a primary limit answers 403 or 429 with x-ratelimit-remaining 0
and x-ratelimit-reset (UTC seconds); a secondary limit answers 403 or 429 with retry-after, or wants a minute at least.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

MOST_TRIES = 4
_FIRST = 0.5
_SECONDARY = 60.0
_LIMITED = {403, 429}
_SERVER = 500
_IDEMPOTENT = {"GET", "PUT", "PATCH", "DELETE"}
"""PUT and PATCH, as Lockgate uses them, name the state they want, and the state they start from where it matters."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try ended; status 0: no answer came."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    message: str = ""

    @property
    def limited(self) -> bool:
        """Whether GitHub refused it for its rate, before doing anything."""
        return self.status in _LIMITED and (
            "retry-after" in self.headers
            or self.headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in self.message.lower()
        )

    @property
    def retryable(self) -> bool:
        """Whether the same question may be answered later."""
        return self.status == 0 or self.status >= _SERVER or self.limited


def wait_before_retry(verb: str, attempt: Attempt, tried: int, now: datetime) -> float | None:
    """Give the seconds to wait before the next try; None where there must be none."""
    if tried >= MOST_TRIES or not attempt.retryable:
        return None
    if attempt.limited:
        return _until(attempt.headers, now)
    return _FIRST * 2 ** (tried - 1) if verb in _IDEMPOTENT else None


def _until(headers: Mapping[str, str], now: datetime) -> float:
    if (after := headers.get("retry-after", "")).isdigit():
        return float(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - now.timestamp())
    return _SECONDARY
