"""`lockgate board` as a command: what it refuses, and that it ends well."""

import json
import socket
import time
import urllib.request
from collections import Counter

import pytest
from websockets.sync.client import connect

from lockgate import cli
from lockgate.adapters.board.redis import RedisShared
from lockgate.board.api.repeats import RepeatsShared
from lockgate.board.hardening.patience import PatientProtocol
from lockgate.board.settings import Settings
from lockgate.core.board import service_token
from tests.integration.board.conftest import served
from tests.integration.ledger.scripted import Scripted


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--host", "0.0.0.0"], 2, "the board has no sign-in"),
        (["--host", "board.example"], 2, "the board has no sign-in"),
        (["--port", "70000"], 2, "--port is 0 to 65535"),
        (["--port", "x"], 2, "invalid int value"),
        (["--url", "https://board.example"], 2, "--url is an address on this machine"),
        (["--url", "http://localhost:80/x"], 2, "--url is an address on this machine"),
        (["--url", "http://localhost@evil.example"], 2, "--url is an address on this machine"),
        (["extra"], 2, "unrecognized arguments"),
    ],
)
def test_an_option_that_makes_no_sense_is_explained(words, code, said, tmp_path, monkeypatch, capsys):
    """With the exit code of a wrong command line, and nothing listens."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["board", "--no-open", *words]) == code
    assert said in capsys.readouterr().err


def test_signing_in_is_set_up_by_the_environment(tmp_path, monkeypatch, capsys):
    """All that is wrong is said at once, before anything listens; what is right is taken, secrets from files, too."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"OIDC_ISSUER": "https://id.example/common", "SESSION_KEY": "k", "TOKENS": "x"}.items():
        monkeypatch.setenv(f"LOCKGATE_BOARD_{name}", value)
    assert cli.main(["board", "--no-open", "--host", "0.0.0.0"]) == 2
    said = capsys.readouterr().err
    assert all(f"LOCKGATE_BOARD_{name}: " in said for name in ("OIDC_CLIENT_ID", "PUBLIC_URL", "SESSION_KEY", "TOKENS"))
    monkeypatch.delenv("LOCKGATE_BOARD_TOKENS")
    (tmp_path / "key").write_text("k" * 32)
    monkeypatch.setenv("LOCKGATE_BOARD_SESSION_KEY_FILE", str(tmp_path / "key"))
    assert cli.main(["board", "--no-open", "--host", "0.0.0.0"]) == 2
    assert "are both set" in capsys.readouterr().err
    monkeypatch.delenv("LOCKGATE_BOARD_SESSION_KEY")
    told = {"OIDC_CLIENT_ID": "board", "PUBLIC_URL": "https://board.example", "TRUSTED_PROXIES": "10.0.0.0/8"}
    for name, value in told.items():
        monkeypatch.setenv(f"LOCKGATE_BOARD_{name}", value)
    apps = []

    def ended(app, *_):
        apps.append(app)
        raise KeyboardInterrupt

    monkeypatch.setattr("lockgate.board.server.serve", ended)
    assert cli.main(["board", "--no-open", "--host", "0.0.0.0", "--port", "0"]) == 0
    assert "https://board.example/" in capsys.readouterr().out
    board = apps[0].state.board
    assert (board.door.sessions.keys, board.door.sessions.secure) == (("k" * 32,), True)
    assert (board.settings.trusted_proxies, board.settings.hosts) == ({"10.0.0.0/8"}, {"board.example"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REDIS_URL", "http://ada:hunter2-is-long@cache", "is no address of a Redis"),
        ("REDIS_URL", "cache:6379", "is no address of a Redis"),
        ("WATCHERS_EACH", "0", "WATCHERS_EACH is 1 to"),
        ("WATCHERS_EACH", "many", "WATCHERS_EACH is 1 to"),
    ],
)
def test_what_is_around_it_is_named_by_the_environment(name, value, said, tmp_path, monkeypatch, capsys):
    """Redis, a collector, how much one person may have: a mistake is told before it serves, and no password with it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"LOCKGATE_BOARD_{name}", value)
    assert cli.main(["board", "--no-open", "--port", "0"]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "hunter2" not in told
    boards = []

    def ended(app, *_):
        boards.append(app.state.board)
        raise KeyboardInterrupt

    monkeypatch.setattr("lockgate.board.server.serve", ended)
    good = {"REDIS_URL": "redis://:word@127.0.0.1:1/0", "WATCHERS_EACH": "7", "OTLP": "http://127.0.0.1:1"}
    for other, right in good.items():
        monkeypatch.setenv(f"LOCKGATE_BOARD_{other}", right)
    assert cli.main(["board", "--no-open", "--port", "0"]) == 0
    (board,) = boards
    assert isinstance(board.shared, RedisShared)
    assert isinstance(board.repeats, RepeatsShared)
    assert (board.settings.watchers_each, board.known.traces.records) == (7, True)


def test_a_token_is_made_and_shown_once(tmp_path, monkeypatch, capsys):
    """What is to be kept is its hash; one that makes no sense is not made."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["board", "--new-token", "reports", "--services", "shop,till", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    (kept,) = service_token.parse(data["line"])
    assert (kept.name, str(kept.role), kept.services, kept.hash) == (
        "reports", "viewer", "shop,till", service_token.hashed(data["token"]),
    )  # fmt: skip
    assert data["token"] not in data["line"]
    for words in (["a b"], ["a", "--days", "0"], ["a", "--services", "a b"]):
        assert cli.main(["board", "--new-token", *words]) == 2


def test_a_port_that_is_taken_and_a_ledger_that_cannot_be_read_are_explained(tmp_path, monkeypatch, capsys):
    """Each with its own exit code, and the connection string in no message."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.main(["board", "--no-open", "--port", str(taken.getsockname()[1])]) == 63
    assert "--port 0 takes any that is free" in capsys.readouterr().err
    monkeypatch.setenv("LOCKGATE_BOARD_DATABASE_URL", "postgresql://u:hunter2@h/db?sslmode=disable")
    assert cli.main(["board", "--no-open"]) == 74
    said = capsys.readouterr().err
    assert "without TLS" in said
    assert "hunter2" not in said
    monkeypatch.delenv("LOCKGATE_BOARD_DATABASE_URL")
    place = {"target": {"kind": "local", "port": 1}}
    config = {"service": "shop", "build": {"kind": "bundle", "bundle": {"start": "true"}}, "ledger": "github"}
    (tmp_path / "lockgate.yml").write_text(json.dumps({**config, "environments": {"production": place}}))
    assert cli.main(["board", "--no-open"]) == 74
    assert "cannot read a ledger of the kind github" in capsys.readouterr().err


def test_it_serves_until_it_is_asked_to_end(tmp_path, monkeypatch):
    """By HTTP and WebSocket over a real port; whoever is connected is let go, and the port is free again."""
    families = []
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    with served(tmp_path, monkeypatch, Settings(tick=0.01), lambda bound: families.append(bound.proto)) as there:
        # Else asyncio leaves Nagle's algorithm on, and each answer on a kept connection takes 40 ms.
        assert families == [socket.IPPROTO_TCP]
        port = there.port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10) as answer:
            assert answer.status == 200
        with socket.create_connection(("127.0.0.1", port), 10) as slow:
            slow.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert slow.recv(9) == b"HTTP/1.1 "
            # Nothing is said for the second one but a beginning: it is let go, and not only after a minute.
            slow.sendall(b"GET / HTTP/1.1\r\nHo")
            while slow.recv(4096):
                pass
        with socket.create_connection(("127.0.0.1", port), 10) as silent:
            assert silent.recv(1) == b""
        origin = there.origin
        with connect(f"ws://localhost:{port}/live", origin=origin, compression=None, proxy=None) as watching:
            assert '"events": []' in watching.recv(timeout=10)
            time.sleep(0.4)  # longer than a head may take: this is no request any more
            watching.ping().wait(10)
            there.end()
    socket.create_server(("127.0.0.1", port)).close()


def test_thousands_are_told_by_one_frame_and_who_does_not_read_is_let_go(tmp_path, monkeypatch):
    """Over a real port a message goes out as it was framed for all; nobody waits for one whose buffers are full."""

    def small(listening):
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    with served(tmp_path, monkeypatch, Settings(tick=0.01), small) as there:
        hub, ledger = there.made.board.hub, there.made.kind.ledger
        where = {"uri": f"ws://localhost:{there.port}/live", "origin": there.origin, "compression": None, "proxy": None}
        with socket.socket() as deaf, connect(**where) as watching:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", there.port))
            deaf.sendall(
                f"GET /live HTTP/1.1\r\nHost: localhost:{there.port}\r\nOrigin: {there.origin}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            heard, end = [], time.monotonic() + 60
            offered = Counter(watcher.offer is not None for watcher in hub._everybody())
            while not hub.dropped:
                Scripted(ledger).run(f"r-{len(heard)}")
                while not heard or heard[-1] < there.made.board.store.head().position:
                    heard += [one["position"] for one in json.loads(watching.recv(timeout=10)).get("events", [])]
                offered |= Counter(watcher.offer is not None for watcher in hub._everybody())
                assert time.monotonic() < end
            assert heard == list(range(1, len(heard) + 1))
            assert offered == {True: 2}
            assert (hub.watchers, hub.dropped) == (1, 1)
