"""A light, steady load on many places at once: one kept-alive connection each, one question every two seconds."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bench.http1 import Connection, RequestError

_SECONDS = 2.0
_TIMEOUT = 10.0
_GOOD = 200


class Load:
    """Asks in a thread of its own, and counts what did not come back whole and good."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._urls = {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
        self._done = threading.Event()
        self.requests = 0
        self.lost: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask while the block runs."""
        thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join(_TIMEOUT + _SECONDS)

    def versions(self) -> dict[str, str]:
        """Ask each place once who answers."""
        return asyncio.run(self._versions())

    async def _versions(self) -> dict[str, str]:
        async def ask(url: str) -> str:
            connection = Connection(url)
            try:
                return (await connection.ask(_TIMEOUT)).version
            except RequestError as error:
                return str(error)
            finally:
                await connection.close()

        return dict(zip(self._urls, await asyncio.gather(*map(ask, self._urls.values())), strict=True))

    async def _run(self) -> None:
        count = len(self._urls)
        await asyncio.gather(*(self._ask(url, _SECONDS * n / count) for n, url in enumerate(self._urls.values())))

    async def _ask(self, url: str, first: float) -> None:
        connection = Connection(url)
        await asyncio.sleep(first)
        while not self._done.is_set():
            self.requests += 1
            try:
                answer = await connection.ask(_TIMEOUT)
                if answer.status != _GOOD:
                    self.lost[f"status {answer.status}"] += 1
            except RequestError as error:
                self.lost[str(error)] += 1
            await asyncio.sleep(_SECONDS)
        await connection.close()
