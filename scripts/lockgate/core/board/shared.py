"""What the replicas of one board have in common: short-lived answers, what is done once, and limits."""

from typing import Protocol

from lockgate.core.board.rates import Rate


class AwayError(Exception):
    """It does not answer: each replica is for itself until it does."""


class Shared(Protocol):
    """A place that every replica sees. Every method but `close` may raise AwayError, and none keeps anybody long."""

    @property
    def problem(self) -> str:
        """Why it is not asked now; "" where it is."""
        ...

    async def ping(self) -> None:
        """Ask whether it is there."""
        ...

    async def get(self, key: str) -> str | None:
        """Give what is kept under a key."""
        ...

    async def put(self, key: str, value: str, seconds: float) -> None:
        """Keep a value for a time, whatever was there."""
        ...

    async def claim(self, key: str, value: str, seconds: float) -> str | None:
        """Keep a value where there is none; else give the one that is there. At once, whoever else tries it."""
        ...

    async def drop(self, key: str) -> None:
        """Forget a key."""
        ...

    async def wait(self, key: str, rate: Rate) -> float:
        """Take one of a bucket; give 0.0, or the seconds until there is one again."""
        ...

    async def close(self) -> None:
        """Let its connections go."""
        ...
