"""What is done once, however often it is asked for: requests by their Idempotency-Key."""

import asyncio
import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from lockgate.core.board.coded import NotOursError, opened, sealed
from lockgate.core.board.shared import AwayError, Shared

KEY = re.compile(r"[\x21-\x7e]{1,100}")
KEPT = 86_400.0
"""Seconds in which a key is remembered."""
CLAIMED = 60.0
"""Seconds for which a request that is being carried out keeps its key: longer than any may take."""
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

    def mark(self, key: str) -> str:
        """Give the request that a key was claimed for."""
        return self._kept.get(key, ("", 0.0, None))[0]

    async def end(self, key: str, reply: Reply | None) -> None:
        """Keep the reply, or give the key back."""
        async with self._lock:
            mark, at, _ = self._kept.pop(key, ("", self.monotonic(), None))
            if reply is not None:
                self._kept[key] = (mark, at, reply)


@dataclass(slots=True)
class RepeatsShared:
    """For a board of several processes: what one of them has done, none of the others does again.

    Each remembers its own as well, and goes by that where the shared place is away.
    """

    shared: Shared
    board: str
    secret: bytes = b""
    own: RepeatsInMemory = field(default_factory=RepeatsInMemory)

    async def begin(self, key: str, mark: str) -> Reply | None:
        """Claim a key; give the reply that it has."""
        if (reply := await self.own.begin(key, mark)) is not None:
            return reply
        try:
            reply = await self._claimed(key, mark)
        except (OtherRequestError, GoingOnError):
            await self.own.end(key, None)
            raise
        except (AwayError, NotOursError):
            return None
        if reply is not None:
            await self.own.end(key, reply)
        return reply

    async def end(self, key: str, reply: Reply | None) -> None:
        """Keep the reply, or give the key back."""
        mark = self.own.mark(key)
        await self.own.end(key, reply)
        with suppress(AwayError):
            if reply is None:
                await self.shared.drop(self._name(key))
            else:
                told = {"mark": mark, "status": reply.status, "body": reply.body}
                await self.shared.put(self._name(key), sealed(told, self.secret), KEPT)

    async def _claimed(self, key: str, mark: str) -> Reply | None:
        # Short: who dies while doing it is asked again by the same key, and the ledger says who asked for what.
        mine = sealed({"mark": mark, "status": 0, "body": {}}, self.secret)
        found = await self.shared.claim(self._name(key), mine, CLAIMED)
        if found is None:
            return None
        known = opened(found, self.secret)
        if known["mark"] != mark:
            raise OtherRequestError
        if not known["status"]:
            raise GoingOnError
        return Reply(known["status"], known["body"])

    def _name(self, key: str) -> str:
        return f"{self.board}:once:{hashlib.sha256(key.encode()).hexdigest()}"


def mark_of(who: str, what: Any) -> str:
    """Name a request by who asks and what for."""
    text = json.dumps([who, what], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
