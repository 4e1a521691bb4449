"""What is done once, however often it is asked for: requests by their Idempotency-Key."""

import asyncio
import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

KEY = re.compile(r"[\x21-\x7e]{1,100}")
KEPT = 86_400.0
"""Seconds in which a key is remembered."""
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered."""

    status: int
    body: dict[str, Any]


class OtherRequestError(Exception):
    """The key was used for another request."""


class GoingOnError(Exception):
    """The same request is being carried out."""


class Repeats(Protocol):
    """Remembers replies by key. Where several replicas serve one board, they must share it."""

    async def begin(self, key: str, mark: str) -> Reply | None:
        """Claim a key; give the reply that it has. Raise OtherRequestError, GoingOnError."""
        ...

    async def end(self, key: str, reply: Reply | None) -> None:
        """Keep the reply; None gives the key back, because nothing was done."""
        ...


@dataclass(slots=True)
class RepeatsInMemory:
    """For a board of one process."""

    monotonic: Callable[[], float] = time.monotonic
    _kept: OrderedDict[str, tuple[str, float, Reply | None]] = field(default_factory=OrderedDict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self, key: str, mark: str) -> Reply | None:
        """Claim a key; give the reply that it has."""
        async with self._lock:
            now = self.monotonic()
            while self._kept and (len(self._kept) > MOST or next(iter(self._kept.values()))[1] < now - KEPT):
                self._kept.popitem(last=False)
            if key not in self._kept:
                self._kept[key] = (mark, now, None)
                return None
            known, _, reply = self._kept[key]
            if known != mark:
                raise OtherRequestError
            if reply is None:
                raise GoingOnError
            return reply

    async def end(self, key: str, reply: Reply | None) -> None:
        """Keep the reply, or give the key back."""
        async with self._lock:
            mark, at, _ = self._kept.pop(key, ("", self.monotonic(), None))
            if reply is not None:
                self._kept[key] = (mark, at, reply)


def mark_of(who: str, what: Any) -> str:
    """Name a request by who asks and what for."""
    text = json.dumps([who, what], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
