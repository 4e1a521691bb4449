"""One WebSocket client of the load: opens, sends, waits for the echo, and counts every close it did not ask for."""

import asyncio
import json
from contextlib import suppress

import aiohttp

from bench.report import Tally

_PAUSE = 0.05
_TEXT = aiohttp.WSMsgType.TEXT


async def keep_echoing(url: str, tally: Tally, stop: asyncio.Event, timeout: float) -> None:
    """Hold one WebSocket open until `stop` is set, opening another whenever it is closed."""
    async with aiohttp.ClientSession() as session:
        while not stop.is_set():
            try:
                async with asyncio.timeout(timeout):
                    socket = await session.ws_connect(url)
            except (aiohttp.ClientError, OSError, TimeoutError):
                tally.refused()
                await asyncio.sleep(_PAUSE)
                continue
            tally.opened()
            async with socket:
                await _talk(socket, tally, stop, timeout)


async def _talk(socket: aiohttp.ClientWebSocketResponse, tally: Tally, stop: asyncio.Event, timeout: float) -> None:
    version = ""
    while not stop.is_set():
        try:
            await socket.send_str("ping")
            message = await socket.receive(timeout)
        except (aiohttp.ClientError, OSError, TimeoutError):
            message = None
        if message is None or message.type is not _TEXT:
            tally.closed(version, socket.close_code)
            return
        tally.echoed()
        with suppress(ValueError, TypeError, KeyError):
            version = str(json.loads(message.data)["version"])
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PAUSE)
