"""When the process looks for what refers to itself: not in the middle of telling 5,000 connections something.

Python looks through all objects when their number has grown by a quarter, which the pages of a few seconds do, and with
5,000 open connections that takes more than half a second, in which nothing else runs. What it finds is what connections
that ended leave behind. So it is done when as many have ended as are there: less lies about than is in use.
"""

import asyncio
import gc
from collections.abc import Callable
from dataclasses import dataclass

NEVER = 1_000_000_000


@dataclass(slots=True)
class Garbage:
    """Collects by what has ended; the young, of which there are few, as ever."""

    there: Callable[[], int]
    """How many connections are open."""
    ended: Callable[[], int]
    """How many have ended since the process began."""
    look: float = 1.0
    few: int = 500
    """Connections that may have ended before anything is done."""
    at_least: float = 600.0
    """Seconds: pages leave a little behind, too."""

    async def run(self) -> None:
        """Do so until cancelled, and leave it to Python again then."""
        before = gc.get_threshold()
        gc.set_threshold(before[0], before[1], NEVER)
        loop = asyncio.get_running_loop()
        when, known = loop.time(), self.ended()
        try:
            while True:
                await asyncio.sleep(self.look)
                if self.ended() - known >= max(self.few, self.there()) or loop.time() > when + self.at_least:
                    gc.collect()
                    when, known = loop.time(), self.ended()
        finally:
            gc.set_threshold(*before)
