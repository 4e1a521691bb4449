"""Redis as what the replicas of a board share. It may be away at any time: nobody waits for it twice."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from lockgate.core.board.rates import Rate
from lockgate.core.board.shared import AwayError

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")
SECONDS = 0.3
"""For a connection, and for an answer: more than that costs a page more than the ledger would."""
PAUSE = 2.0
"""Seconds in which one that did not answer is not asked again."""
FRESH = 1.0
"""Seconds after an answer for which it is believed to be there still."""
LONGEST = 1_000_000
"""Characters of a value; what is longer is kept by nobody."""
_CLAIM = """
local there = redis.call('GET', KEYS[1])
if there then return there end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false"""
_WAIT = """
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = math.min(burst, (tonumber(kept[1]) or burst) + (now - (tonumber(kept[2]) or now)) * rate)
local short = math.max(0, 1 - left)
if short == 0 then left = left - 1 end
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return string.format('%.6f', short / rate)"""
"""A bucket by Redis' own clock, in one step: what core/board/rates.py says."""


class RedisShared:
    """A `Shared` by a Redis or Valkey server, 6.2 or later."""

    def __init__(self, url: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic = monotonic
        self._client: Redis | None = None
        self._problem = ""
        self._until = 0.0
        self._answered = -FRESH

    @property
    def problem(self) -> str:
        """Why it is not asked now; "" where it is."""
        return self._problem

    async def ping(self) -> None:
        """Ask whether it is there; not where it has just answered."""
        if self._problem or self._monotonic() - self._answered > FRESH:
            await self._ask(lambda redis: redis.ping())

    async def get(self, key: str) -> str | None:
        """Give what is kept under a key."""
        found: str | None = await self._ask(lambda redis: redis.get(key))
        return found

    async def put(self, key: str, value: str, seconds: float) -> None:
        """Keep a value for a time, whatever was there."""
        if len(value) <= LONGEST:
            await self._ask(lambda redis: redis.set(key, value, px=_milliseconds(seconds)))

    async def claim(self, key: str, value: str, seconds: float) -> str | None:
        """Keep a value where there is none; else give the one that is there."""
        there: str | None = await self._ask(
            lambda redis: redis.eval(_CLAIM, 1, key, value, str(_milliseconds(seconds)))
        )
        return there

    async def drop(self, key: str) -> None:
        """Forget a key."""
        await self._ask(lambda redis: redis.delete(key))

    async def wait(self, key: str, rate: Rate) -> float:
        """Take one of a bucket; give 0.0, or the seconds until there is one again."""
        told = (str(rate.burst), str(rate.per_second))
        return float(await self._ask(lambda redis: redis.eval(_WAIT, 1, key, *told)))

    async def close(self) -> None:
        """Let its connections go."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, question: "Callable[[Redis], Awaitable[Any]]") -> Any:
        from redis.exceptions import RedisError  # noqa: PLC0415 - where it is configured

        if self._problem and self._monotonic() < self._until:
            raise AwayError(self._problem)
        try:
            answer = await question(self._opened())
        except (RedisError, OSError, TimeoutError) as error:
            # Its own words may have the address with the password in it; the kind of trouble says enough.
            self._problem = f"Redis does not answer: {type(error).__name__}"
            self._until = self._monotonic() + PAUSE
            raise AwayError(self._problem) from error
        self._problem, self._answered = "", self._monotonic()
        return answer

    def _opened(self) -> "Redis":
        if self._client is None:
            from redis.asyncio import Redis  # noqa: PLC0415 - where it is configured
            from redis.asyncio.retry import Retry  # noqa: PLC0415
            from redis.backoff import NoBackoff  # noqa: PLC0415

            self._client = Redis.from_url(
                self._url, decode_responses=True, socket_timeout=SECONDS, socket_connect_timeout=SECONDS,
                retry=Retry(NoBackoff(), 1), client_name="lockgate-board",
            )  # fmt: skip
        return self._client


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
