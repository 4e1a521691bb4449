"""Reads the ledger as it grows and deals it out: one frame a tick for each client, encoded once for each room."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from lockgate.board.known import Known
from lockgate.board.live.framed import Message
from lockgate.board.live.ring import Ring
from lockgate.board.live.rooms import Room, cursor, frame
from lockgate.board.live.watcher import Watcher
from lockgate.core.board.rows import BoardStore, FeedItem, Head
from lockgate.errors import StateError

BATCH = 500
BEHIND = 1_000
"""Events that somebody who comes back is sent one by one; whoever missed more reads the page again."""
YIELD = 50
"""Sends after which requests get their turn: without it a page would wait for the whole fan-out."""
PATIENCE = 0.05
"""Seconds that one client may keep the others waiting; then it is dropped, and comes back with its cursor."""
REST = 0.2
"""Share of a tick in which nothing is told, even where telling takes longer than a tick."""
HEARTBEAT = 15.0
QUIET = 5.0
"""Seconds without a wake-up after which the ledger is asked all the same."""
RESYNC = Message.of(json.dumps({"type": "resync"}))


class Wake(Protocol):
    """Says when the ledger may have grown."""

    @property
    def problem(self) -> str:
        """Why it has to guess instead of knowing; "" where it knows."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when something may have happened, or after so many seconds."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class Hub:
    """The live feed of one process. Every replica reads the ledger for itself, so all of them tell the same."""

    def __init__(self, store: BoardStore, wake: Wake, known: Known, *, tick: float, ring: int) -> None:
        self._store = store
        self._wake = wake
        self._run = known.run
        self._tick = tick
        self._grown = known.drop
        self._ring = Ring(ring)
        self._rooms: dict[Room, set[Watcher]] = {}
        self._persons: Counter[str] = Counter()
        self._count = self._turn = 0
        self._trouble = ""
        self.head = Head()
        self.heard = self.sent = self.dropped = self.ended = 0
        self._started = False
        self._beginning = asyncio.Lock()

    @property
    def watchers(self) -> int:
        """Live connections now."""
        return self._count

    def of(self, person: str) -> int:
        """Count the live connections of somebody who signed in; of nobody in particular there is no count."""
        return self._persons[person] if person else 0

    @property
    def source_problem(self) -> str:
        """Why events may come late; "" where they do not."""
        return self._trouble or self._wake.problem

    async def run(self) -> None:
        """Follow the ledger until cancelled. It being away stops nothing."""
        loop = asyncio.get_running_loop()
        beat = loop.time() + HEARTBEAT
        while True:
            began = loop.time()
            try:
                news = await self._news()
                self._trouble = ""
            except StateError as error:
                news, self._trouble = [], error.what
            if news:
                self._grown()
                await self._deal(news)
                beat = loop.time() + HEARTBEAT
                # A tick begins a tick after the last one, however long that took; requests have their part of it.
                await asyncio.sleep(max(self._tick * REST, began + self._tick - loop.time()))
            else:
                if loop.time() >= beat:
                    await self._all(Message.of(json.dumps({"type": "head", "head": str(self.head)})))
                    beat = loop.time() + HEARTBEAT
                await self._wake.wait(1.0 if self._trouble else QUIET)

    async def close(self) -> None:
        """Let every watcher go."""
        for watcher in self._everybody():
            watcher.drop()
        await self._wake.close()

    def leave(self, watcher: Watcher) -> None:
        """Forget a watcher."""
        there = self._rooms.get(watcher.room, set())
        if watcher in there:
            self._count -= 1
            self.ended += 1
            self._persons[watcher.person] -= 1
            if not self._persons[watcher.person]:
                del self._persons[watcher.person]
            there.remove(watcher)
            if not there:
                del self._rooms[watcher.room]

    def _everybody(self) -> list[Watcher]:
        return [watcher for there in self._rooms.values() for watcher in there]

    async def join(self, watcher: Watcher, after: str) -> None:
        """Let a watcher hear everything after a cursor, without a gap and without a double. Raise StateError.

        It is told what it missed, or to read its page again: `{"type": "resync"}`.
        """
        await self._begin()
        missed = await self._missed(after) if after else []
        if missed is None:
            await watcher.send(RESYNC.text)
            after, missed = "", []
        # From here to the last line nothing else runs: what comes next finds the watcher in its place.
        known = cursor(after)
        watcher.seen = known[0] if known else self.head.position
        items = list(missed)
        items += self._ring.after(max(watcher.seen, _last(items)))
        end = max([self.head, *(item.head for item in items)], key=lambda head: head.position)
        # Another replica may have told it more than this one has read.
        told = str(end) if end.position >= watcher.seen else after
        watcher.seen = max(watcher.seen, end.position)
        self._rooms.setdefault(watcher.room, set()).add(watcher)
        self._count += 1
        self._persons[watcher.person] += 1
        heard = [item for item in items if watcher.room.has(item)]
        await watcher.send(json.dumps(frame(heard, told)))

    async def _begin(self) -> None:
        """Take the end of the ledger for where the feed begins: once, before anybody is told that they are there."""
        async with self._beginning:
            if not self._started:
                head = await self._run(self._store.head)
                # Whoever comes back has mostly missed little: those of the board before this one, all at once.
                self._ring.extend(await self._run(lambda: self._store.after(max(0, head.position - BEHIND), BEHIND)))
                last = self._ring.after(0)[-1:]
                self.head, self._started = last[0].head if last else head, True

    async def _missed(self, after: str) -> Sequence[FeedItem] | None:
        """Give what came after a cursor and is not in the ring any more; None where nobody can say."""
        known = cursor(after)
        if known is None:
            return None
        position, mark = known
        if item := self._ring.at(position):
            return [] if item.head.hash.startswith(mark) else None
        if position == self.head.position:
            return [] if self.head.hash.startswith(mark) else None
        there = await self._run(lambda: self._store.at(position))
        if there is None or not there.hash.startswith(mark):
            return None
        items = await self._run(lambda: self._store.after(position, BEHIND + 1))
        return items if len(items) <= BEHIND else None

    async def _news(self) -> Sequence[FeedItem]:
        """Read on from where we are; a ledger that is another one now makes everybody begin again."""
        await self._begin()
        head = await self._run(self._store.head)
        if head == self.head:
            return []
        at = self.head.position
        here = await self._run(lambda: self._store.at(at))
        if here != self.head:
            self.head = head
            self._ring.clear()
            self._grown()
            for watcher in self._everybody():
                watcher.seen = head.position
            await self._all(RESYNC)
            return []
        return await self._run(lambda: self._store.after(at, BATCH))

    async def _deal(self, news: Sequence[FeedItem]) -> None:
        self._ring.extend(news)
        self.head = news[-1].head
        self.heard += len(news)
        for room, there in list(self._rooms.items()):
            # Thousands watch, and each tick is for a few of their rooms: nobody else is even looked at.
            if heard := [one for one in news if room.has(one)]:
                await self._tell(list(there), heard)

    async def _tell(self, watchers: Sequence[Watcher], heard: Sequence[FeedItem]) -> None:
        """Tell a room what it hears, but nobody what they have already."""
        frames: dict[int, Message | None] = {}
        head = self.head
        for watcher in watchers:
            begin = max(watcher.seen, heard[0].head.position - 1)
            if begin not in frames:
                fresh = [one for one in heard if one.head.position > begin]
                frames[begin] = Message.of(json.dumps(frame(fresh, str(head)))) if fresh else None
            watcher.seen = max(watcher.seen, head.position)
            if message := frames[begin]:
                await self._offer(watcher, message)

    async def _all(self, message: Message) -> None:
        for watcher in self._everybody():
            await self._offer(watcher, message)

    async def _offer(self, watcher: Watcher, message: Message) -> None:
        try:
            if watcher.offer is None or not watcher.offer(message.frame):
                async with asyncio.timeout(PATIENCE):
                    await watcher.send(message.text)
            self.sent += 1
        except Exception:  # noqa: BLE001 - whatever is wrong with one connection, the others go on
            self.dropped += 1
            self.leave(watcher)
            with suppress(Exception):
                watcher.drop()
        self._turn += 1
        if self._turn % YIELD == 0:
            await asyncio.sleep(0)


def _last(items: Sequence[FeedItem]) -> int:
    return items[-1].head.position if items else 0
