"""Hold WebSockets at the front door while traffic is shifted: one that closes meanwhile was closed by the shift.

They live in a thread with a loop of its own, because they outlive the watches: between two of them traffic moves, and a
server's pings must be answered then, too.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress

from lockgate.adapters import tracing
from lockgate.adapters.http import Prober
from lockgate.adapters.probes.kinds import Means
from lockgate.adapters.probes.socket import NotASocketError, opened
from lockgate.adapters.probes.websocket import echoed
from lockgate.core.outcome import Outcome, bad, good
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.samples import Fault

EVERY = 1.0
"""Seconds between two looks at a connection that is held."""
_MOST = 10_000
"""Outcomes kept between two watches; older ones are forgotten first."""
_END_SECONDS = 2.0
_LOOK_SECONDS = 0.05


def holding(probes: Sequence[ProbeConfig]) -> list[ProbeConfig]:
    """Give the probes that hold connections."""
    return [probe for probe in probes if probe.kind is ProbeKind.WEBSOCKET and probe.hold]


class Hold:
    """Connections held from `start` to `close`, at one address or the probe's own. A close nobody asked for is bad."""

    def __init__(self, probes: Sequence[ProbeConfig], url: str, means: Means) -> None:
        self._probes, self._url, self._means = holding(probes), url, means
        self._found: deque[tuple[float, Outcome]] = deque(maxlen=_MOST)
        self._stop = threading.Event()
        self._thread = tracing.thread(self._run, name="hold")

    def start(self) -> None:
        """Open the connections, and another wherever one is closed."""
        self._thread.start()

    def close(self) -> None:
        """Close them all."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_END_SECONDS)

    def take(self) -> Iterator[tuple[float, Outcome]]:
        """Give what became of them since last time, each with its monotonic time."""
        with suppress(IndexError):
            while True:
                yield self._found.popleft()

    def forget(self) -> None:
        """Forget what happened so far: it was not this release's doing."""
        self._found.clear()

    def _run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        async with self._means.prober() as prober:
            tasks = [
                asyncio.create_task(self._keep(prober, probe, EVERY * number / probe.hold))
                for probe in self._probes
                for number in range(probe.hold)
            ]
            while not self._stop.is_set():  # noqa: ASYNC110 - another thread says so
                await asyncio.sleep(_LOOK_SECONDS)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, prober: Prober, probe: ProbeConfig, first: float) -> None:
        await asyncio.sleep(first)
        while True:
            await self._one(prober, probe)
            await asyncio.sleep(EVERY)

    async def _one(self, prober: Prober, probe: ProbeConfig) -> None:
        """Hold one connection until it is closed."""
        url = (probe.url or self._url) + probe.path
        where = f"WebSocket {url}, held"
        began = time.monotonic()
        try:
            async with asyncio.timeout(probe.timeout) as limit, opened(prober, url) as socket:
                while True:
                    await echoed(socket, probe.send, probe.expect)
                    self._found.append((time.monotonic(), good(probe.feeds)))
                    limit.reschedule(None)
                    await asyncio.sleep(EVERY)
                    limit.reschedule(asyncio.get_running_loop().time() + probe.timeout)
        except (NotASocketError, TimeoutError) as error:
            lived = f" for {time.monotonic() - began:.1f} s"
            told = str(error) or f"no echo within {probe.timeout:g} s"
            self._found.append((time.monotonic(), bad(probe.feeds, Fault.CLOSED, f"{where}{lived}: {told}")))
