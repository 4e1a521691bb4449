"""A board's page that somebody left open, without the browser: its WebSocket, resumed as live.js does."""

import asyncio
import json
import random
import re
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

_HEAD = re.compile(r'data-head="([^"]*)"')
_BASE = 1.0
"""Seconds; live.js has the same, with full jitter, too."""


@dataclass(slots=True)
class OpenPage:
    """What one page heard. `url` is where people find the board, without a slash at its end."""

    url: str
    head: str = ""
    first: int = 0
    """The position that the page was made at."""
    positions: list[int] = field(default_factory=list)
    connections: int = 0
    closes: list[int] = field(default_factory=list)
    """The codes with which a server ended the connection."""
    resyncs: int = 0
    away: list[float] = field(default_factory=list)
    """How long each time without a connection was."""

    def load(self) -> None:
        """Get the page, and where in the ledger's chain it stands."""
        with urllib.request.urlopen(f"{self.url}/", timeout=10) as answer:  # noqa: S310 - our own address
            found = _HEAD.search(answer.read().decode())
        if found is None:
            raise RuntimeError(f"{self.url}/ is no page of a board")
        self.head = found[1]
        self.first = int(self.head.partition(".")[0])

    async def watch(self, stop: asyncio.Event, clock: Callable[[], float] = time.monotonic) -> None:
        """Stay connected until `stop` is set, coming back from the last event whenever the connection ends."""
        lost, tries = 0.0, 0
        while not stop.is_set():
            address = f"{self.url.replace('http', 'ws', 1)}/live?after={self.head}"
            try:
                async with connect(address, origin=self.url, compression=None, proxy=None, close_timeout=1) as socket:  # type: ignore[arg-type]
                    self.connections += 1
                    if lost:
                        self.away.append(clock() - lost)
                    lost, tries = 0.0, 0
                    ending = asyncio.create_task(_close(socket, stop))
                    async for message in socket:
                        self.take(message)
                    ending.cancel()
                    if not stop.is_set():
                        self.closes.append(socket.close_code or 0)
            except ConnectionClosed as error:
                self.closes.append(error.rcvd.code if error.rcvd else 1006)
            except (OSError, WebSocketException, TimeoutError):
                pass
            lost = lost or clock()
            tries += 1
            with suppress(TimeoutError):
                # As often as the page does: nobody's board is asked by everybody at once.
                await asyncio.wait_for(stop.wait(), random.uniform(0, _BASE * 2 ** min(tries, 5)))

    def take(self, message: str | bytes) -> None:
        """Remember what a frame says."""
        frame = json.loads(message)
        self.head = frame.get("head") or self.head
        self.resyncs += frame.get("type") == "resync"
        self.positions += [int(one["position"]) for one in frame.get("events", [])]


async def _close(socket: object, stop: asyncio.Event) -> None:
    await stop.wait()
    await socket.close()  # type: ignore[attr-defined]
