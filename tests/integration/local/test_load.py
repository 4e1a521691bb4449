"""The strict load client: it must see every loss, also those that a browser would hide."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bench.http1 import Connection, RequestError
from bench.load import run_load
from bench.report import LoadReport, percentile

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ROOT = Path(__file__).parents[3]
HELLO = b"HTTP/1.1 200 OK\r\nX-Version: 7\r\nContent-Length: 2\r\n\r\nhi"


def answering(*answers: bytes) -> Handle:
    """A server that gives these answers on each connection, then closes it without a word."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        await writer.drain()
        writer.close()

    return handle


def loaded(handle: Handle, **options: Any) -> LoadReport:
    """The report of a short load against a raw server."""

    async def main() -> LoadReport:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await run_load(f"http://127.0.0.1:{port}/", **{"connections": 1, "seconds": 0.3} | options)

    return asyncio.run(main())


def test_a_dropped_keep_alive_connection_is_a_loss() -> None:
    """A server that closes an idle connection unannounced loses the next request, and nobody repeats it in silence."""
    report = loaded(answering(HELLO, HELLO))
    assert report.ok >= 2
    assert report.failed >= 1
    assert report.errors == {"dropped": report.failed}
    assert report.requests == report.ok + report.failed


def test_an_announced_close_is_not_a_loss() -> None:
    """`Connection: close` is a server's right: the next request takes a new connection."""
    report = loaded(answering(HELLO.replace(b"X-Version", b"Connection: close\r\nX-Version")))
    assert report.ok > 1
    assert report.failed == 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (HELLO[:-1], "dropped"),
        (b"", "dropped"),
        (b"nonsense\r\n\r\n", "ValueError"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "ValueError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "ValueError"),
    ],
)
def test_half_an_answer_is_a_loss(answer: bytes, kind: str) -> None:
    """What is cut short, or is not HTTP, is no answer."""
    report = loaded(answering(answer))
    assert report.ok == 0
    assert report.failed == report.errors[kind] > 0


def test_silence_is_a_loss() -> None:
    """A server that never answers is given up after the timeout."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    report = loaded(hang, timeout=0.1)
    assert report.ok == 0
    assert report.failed == report.errors["timeout"] > 0
    assert report.longest_stall >= 0.3


def test_a_closed_port_is_a_loss() -> None:
    """Refused connections are counted, with a pause between them."""
    report = asyncio.run(run_load("http://127.0.0.1:1/", connections=1, seconds=0.3))
    assert 1 <= report.errors["refused"] < 20


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{}\n\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_every_way_to_end_a_body_is_understood(answer: bytes) -> None:
    """Chunks, a length, or the end of the connection."""

    async def main() -> bytes:
        server = await asyncio.start_server(answering(answer), "127.0.0.1", 0)
        connection = Connection(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        async with server:
            body = (await connection.ask(1)).body
            await connection.close()
        return body

    assert asyncio.run(main()).strip() == b"{}"


def test_bad_answers_are_counted_by_who_gave_them() -> None:
    """A wrong status, or an answer the caller does not want, is bad: apart from the losses, and by version."""
    wrong = HELLO.replace(b"200 OK", b"500 Oops").replace(b"7", b"8")
    report = loaded(answering(*[HELLO, wrong] * 500), expect=lambda answer: answer.status == 200)
    assert report.bad_by_version.keys() == {"8"}
    assert report.by_version.keys() == {"7"}
    assert report.bad == report.bad_by_version["8"] > 0
    assert sum(second["bad"] for second in report.series) == report.bad
    json.dumps(report.to_dict())


def test_the_version_may_be_in_the_body() -> None:
    """A service without the header is known by its JSON, and one without either as unknown."""
    body = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"version":"9"}'
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    report = loaded(answering(*[body, plain] * 500))
    assert report.by_version.keys() == {"9", "unknown"}


def test_the_rate_is_kept() -> None:
    """So many requests a second, whatever the number of workers."""
    report = loaded(answering(*[HELLO] * 100), rate=50, seconds=1, connections=5)
    assert 40 <= report.requests <= 55


def test_it_gives_up_on_a_request_when_it_is_cancelled() -> None:
    """An interrupted load leaves no connection open."""

    async def main() -> None:
        server = await asyncio.start_server(answering(), "127.0.0.1", 0)
        connection = Connection(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        async with server:
            with pytest.raises(RequestError, match="dropped"):
                await connection.ask(1)

    asyncio.run(main())


def test_a_closed_websocket_is_counted() -> None:
    """A server that hangs up is seen, with the code and the version, and the client comes back."""

    async def once(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_json({"version": "7"})
        await socket.close(code=1001)
        return socket

    async def main() -> LoadReport:
        app = web.Application()
        app.add_routes([web.get("/ws", once)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            good = await run_load(f"http://127.0.0.1:{port}/", connections=0, websockets=1, seconds=0.4)
            none = await run_load(
                f"http://127.0.0.1:{port}/", connections=0, websockets=1, websocket_path="/no", seconds=0.2
            )
        finally:
            await runner.cleanup()
        assert none.websockets.refused > 0
        return good

    sockets = asyncio.run(main()).websockets
    assert sockets.closed >= 1
    assert sockets.messages - sockets.closed in {0, 1}  # the load may end before the last close arrives
    assert {(close["version"], close["code"]) for close in sockets.closes} == {("7", 1001)}


def test_percentiles() -> None:
    """The nearest rank: a value that was measured, never one in between."""
    assert [percentile([1.0, 2.0, 3.0, 4.0], percent) for percent in (1, 50, 75, 99)] == [1.0, 2.0, 3.0, 4.0]
    assert percentile([], 50) == 0.0


@pytest.mark.parametrize("how", ["signal", "stdin"])
def test_the_command_reports_when_it_is_stopped(how: str) -> None:
    """A line for each second, and the report at the end, whether by Ctrl-C or because its parent is gone."""

    async def main() -> tuple[list[dict[str, Any]], int | None]:
        server = await asyncio.start_server(answering(*[HELLO] * 100_000), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        arguments = ["-m", "bench.load", url, "--json", "--rate", "20", "--connections", "2"]
        if how == "stdin":
            arguments.append("--until-stdin-closes")
        async with server:
            command = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert command.stdin is not None
            assert command.stdout is not None
            first = await asyncio.wait_for(command.stdout.readline(), 20)
            if how == "signal":
                command.send_signal(signal.SIGINT)
            else:
                command.stdin.close()
            rest = (await asyncio.wait_for(command.stdout.read(), 20)).splitlines()
            return [json.loads(line) for line in [first, *rest]], await command.wait()

    lines, code = asyncio.run(main())
    assert lines[0]["t"] == 0
    assert lines[0]["ok"] > 10
    report = lines[-1]["report"]
    assert report["failed"] == 0
    assert report["by_version"] == {"7": report["ok"]}
    assert code == 0


def test_the_command_fails_where_something_was_lost() -> None:
    """For people: words instead of JSON, and an exit code for scripts."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", "http://127.0.0.1:1/", "--seconds", "0.2", "--connections", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "'refused'" in done.stdout
