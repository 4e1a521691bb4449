"""When the process looks for what refers to itself: not in the middle of telling 5,000 connections something.

Python looks through all objects when their number has grown by a quarter, which the pages of a few seconds do, and with
5,000 open connections that takes more than half a second, in which nothing else runs. What it finds is what connections
that ended leave behind. So it is done when as many have ended as are there: less lies about than is in use.
"""

import asyncio
import gc

from lockgate.board.live.hub import Hub

LOOK = 1.0
FEW = 500
"""Connections that may have ended before anything is done."""
AT_LEAST = 600.0
"""Seconds: pages leave a little behind, too."""
NEVER = 1_000_000_000


class Garbage:
    """Collects by what has ended; the young, of which there are few, as ever."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._ended = 0

    async def run(self) -> None:
        """Do so until cancelled, and leave it to Python again then."""
        before = gc.get_threshold()
        gc.set_threshold(before[0], before[1], NEVER)
        loop = asyncio.get_running_loop()
        last = loop.time()
        try:
            while True:
                await asyncio.sleep(LOOK)
                if self.due() or loop.time() > last + AT_LEAST:
                    self._ended = self._hub.ended
                    gc.collect()
                    last = loop.time()
        finally:
            gc.set_threshold(*before)

    def due(self) -> bool:
        """Whether as many connections have ended as are open."""
        return self._hub.ended - self._ended >= max(FEW, self._hub.watchers)
