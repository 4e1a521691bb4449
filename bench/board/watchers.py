"""Thousands of open pages as one process: `python -m bench.board.watchers`. WebSockets by hand, on one epoll.

It takes a job as a line of JSON: `host`, `port`, `origin`, `cookies`, `head` (the cursor that the pages were made at)
and `rooms`, a query for each client. It says `open` when all of them are, and goes on, coming back with the last cursor
as the page does, until it is given a line with the events that there were. Then it says what each heard of them.
"""

import base64
import heapq
import json
import os
import random
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.board.account import Told, of_counts, told
from bench.board.frames import CLOSE, PING, TEXT, Frame, cut, read_frame

AT_ONCE = 100
"""Handshakes that are under way at the same time when all begin: people do not open 5,000 pages in one moment."""
BASE, CAP, STABLE = 1.0, 30.0, 30.0
"""Seconds; live.js has the same."""
RESTART = "code 1012"
SETTLE = 3.0
_KEPT = 4096


@dataclass(slots=True)
class Client:
    """One open page."""

    number: int
    room: str
    head: str
    first: int
    line: socket.socket | None = None
    buffer: bytes = b""
    open: bool = False
    frames: list[Frame] = field(default_factory=list)
    opened: float = 0.0
    lost: float = 0.0
    tries: int = 0
    ends: int = 0


class Watchers:
    """All of them."""

    def __init__(self, job: dict[str, Any]) -> None:
        first = int(job["head"].partition(".")[0])
        self.clients = [Client(number, room, job["head"], first) for number, room in enumerate(job["rooms"])]
        self._job = job
        self._poll = select.epoll()
        self._by_number: dict[int, Client] = {}
        self._known: dict[bytes, Frame] = {}
        self._waiting = list(reversed(self.clients))
        self._again: list[tuple[float, int]] = []
        self._under_way = 0
        self.delays: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.away: list[float] = []
        self.resyncs = 0
        self.catching: set[int] = set()

    def open_all(self) -> float:
        """Open every page; give how long that took."""
        began = time.monotonic()
        while not all(client.open for client in self.clients):
            self.turn(0.05)
            if time.monotonic() > began + 120:
                missing = sum(not client.open for client in self.clients)
                raise SystemExit(f"{missing} of {len(self.clients)} connections do not open: {dict(self.codes)}")
        return time.monotonic() - began

    def turn(self, seconds: float) -> None:
        """Do what there is to do, for so long at most if there is nothing."""
        while self._waiting and self._under_way < AT_ONCE:
            self._connect(self._waiting.pop())
        now = time.monotonic()
        while self._again and self._again[0][0] <= now:
            self._connect(self.clients[heapq.heappop(self._again)[1]])
        for number, what in self._poll.poll(seconds, 1000):
            client = self._by_number[number]
            if what & select.EPOLLOUT and not client.open:
                self._greet(client)
            else:
                self._hear(client)

    def _connect(self, client: Client) -> None:
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.connect_ex((self._job["host"], self._job["port"]))
        client.line, client.buffer, client.open = one, b"", False
        self._under_way += 1
        self._by_number[one.fileno()] = client
        self._poll.register(one.fileno(), select.EPOLLOUT)

    def _greet(self, client: Client) -> None:
        assert client.line  # noqa: S101
        cookies, room = self._job["cookies"], client.room and f"&{client.room}"
        cookie = f"Cookie: {cookies[client.number % len(cookies)]}\r\n" if cookies else ""
        key = base64.b64encode(os.urandom(16)).decode()
        origin = self._job["origin"]
        told = (
            f"GET /live?after={client.head}{room} HTTP/1.1\r\nHost: {origin.partition('//')[2]}\r\nOrigin: {origin}\r\n"
            f"{cookie}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n"
        )
        try:
            client.line.sendall(told.encode())
            self._poll.modify(client.line.fileno(), select.EPOLLIN)
        except OSError as error:
            self._gone(client, type(error).__name__)

    def _hear(self, client: Client) -> None:
        assert client.line  # noqa: S101
        try:
            data = client.line.recv(262_144)
        except OSError as error:
            self._gone(client, type(error).__name__)
            return
        if not data:
            self._gone(client, "ended")
            return
        client.buffer = client.buffer + data if client.buffer else data
        if not client.open:
            head, found, rest = client.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            status = head[9:12].decode("latin-1")
            if status != "101":
                self._gone(client, f"status {status}")
                return
            client.open, client.opened, client.buffer = True, time.monotonic(), rest
            self._under_way -= 1
            if client.lost:
                self.away.append(client.opened - client.lost)
                self.catching.add(client.number)
        frames, client.buffer = cut(client.buffer)
        for kind, payload in frames:
            self._take(client, kind, payload)

    def _take(self, client: Client, kind: int, payload: bytes) -> None:
        if kind == TEXT:
            frame = self._known.get(payload)
            if frame is None:
                if len(self._known) > _KEPT:
                    self._known.clear()
                frame = self._known[payload] = read_frame(payload)
            client.head = frame.head or client.head
            self.resyncs += frame.resync
            if frame.positions:
                client.frames.append(frame)
                # What somebody missed while they were away is late for another reason.
                if client.number not in self.catching:
                    now = time.time()
                    for at in frame.at:
                        self.delays[int((now - at) * 1000)] += 1
            self.catching.discard(client.number)
        elif kind == PING and client.line:
            masked = bytes([0x8A, 0x80 | len(payload), 0, 0, 0, 0]) + payload  # the mask is 0
            try:
                client.line.sendall(masked)
            except OSError as error:
                self._gone(client, type(error).__name__)
        elif kind == CLOSE:
            self._gone(client, f"code {int.from_bytes(payload[:2])}")

    def _gone(self, client: Client, why: str) -> None:
        """Come back as the page does: full jitter, so that not all of them come at once."""
        if client.line is None:
            return
        now = time.monotonic()
        self._poll.unregister(client.line.fileno())
        del self._by_number[client.line.fileno()]
        client.line.close()
        client.line = None
        if client.open:
            client.ends += 1
            client.tries = 0 if now - client.opened > STABLE or why == RESTART else client.tries
            client.lost = now
        else:
            self._under_way -= 1
        self.codes[why] += 1
        client.open = False
        client.tries += 1
        heapq.heappush(self._again, (now + random.uniform(0, min(CAP, BASE * 2**client.tries)), client.number))

    def close(self) -> None:
        """End all of them, without a word: it is over."""
        for client in self.clients:
            if client.line:
                client.line.close()

    def account(self, events: list[list[Any]]) -> dict[str, Any]:
        """Say what each client heard of the events: [position, service, environment, rollout], in order."""
        by_room: dict[str, list[int]] = {}
        total, missed = Told(), 0
        for client in self.clients:
            if client.room not in by_room:
                by_room[client.room] = _of_room(client.room, events)
            heard = [position for frame in client.frames for position in frame.positions]
            one = told([position for position in by_room[client.room] if position > client.first], heard)
            total, missed = total + one, missed + (not one.whole)
        return {
            "clients": len(self.clients), "open": sum(client.open for client in self.clients), "missed": missed,
            "told": [total.expected, total.lost, total.twice, total.disordered, total.foreign],
            "delays": {str(percent): of_counts(self.delays, percent) for percent in (50, 95, 99, 100)},
            "heard": self.delays.total(), "ends": sum(client.ends for client in self.clients),
            "codes": self.codes, "away": self.away, "resyncs": self.resyncs,
            "connected": sum(1 + client.ends for client in self.clients),
        }  # fmt: skip


def _of_room(room: str, events: list[list[Any]]) -> list[int]:
    wanted = dict(part.split("=") for part in room.split("&") if part)
    names = ("service", "environment", "rollout")
    return [
        position
        for position, *about in events
        if all(wanted.get(name, value) == value for name, value in zip(names, about, strict=True))
    ]


def main() -> int:
    """Watch until told what there was to hear."""
    watchers = Watchers(json.loads(sys.stdin.readline()))
    print(json.dumps({"open": watchers.open_all()}), flush=True)
    asked = select.epoll()
    asked.register(sys.stdin.fileno(), select.EPOLLIN)
    while not asked.poll(0):
        watchers.turn(0.05)
    last = json.loads(sys.stdin.readline())
    end, quiet = time.monotonic() + last["settle"], 0.0
    while time.monotonic() < end and quiet < SETTLE:
        # What is on its way is waited for; it counts as late, not as lost.
        before, began = watchers.delays.total() + len(watchers.away), time.monotonic()
        while time.monotonic() < began + 1:
            watchers.turn(0.05)
        still = watchers.delays.total() + len(watchers.away) == before and all(one.open for one in watchers.clients)
        quiet = quiet + 1 if still else 0
    print(json.dumps(watchers.account(last["events"])), flush=True)
    watchers.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
