"""When the process looks for what refers to itself: not in the middle of telling 5,000 connections something.

Python looks through all objects when their number has grown by a quarter, which the pages of a few seconds do, and with
5,000 open connections that takes more than half a second, in which nothing else runs. What it finds is what connections
that ended leave behind, and a little of pages. So it is done when as many have ended as are there, which leaves less
lying about than is in use, and now and then: so seldom that it takes a thousandth of the time.
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
    pause: float = 30.0
    """Seconds between two, at least."""
    share: float = 0.001
    """Of the time, which it may take if nothing has ended."""

    async def run(self) -> None:
        """Do so until cancelled, and leave it to Python again then."""
        before = gc.get_threshold()
        gc.set_threshold(before[0], before[1], NEVER)
        loop = asyncio.get_running_loop()
        due, known = loop.time() + self.pause, self.ended()
        try:
            while True:
                await asyncio.sleep(self.look)
                if self.ended() - known >= max(self.few, self.there()) or loop.time() >= due:
                    began = loop.time()
                    gc.collect()
                    now = loop.time()
                    due, known = now + max(self.pause, (now - began) / self.share), self.ended()
        finally:
            gc.set_threshold(*before)
