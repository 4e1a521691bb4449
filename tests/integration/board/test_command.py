"""`lockgate board` as a command: what it refuses, and that it ends well."""

import json
import socket
import threading
import time
import urllib.request

import pytest
import uvicorn
from websockets.sync.client import connect

from lockgate import cli
from lockgate.board.hardening.patience import PatientProtocol
from lockgate.board.server import bind, serve
from lockgate.board.settings import Settings
from tests.integration.board.conftest import started


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--host", "0.0.0.0"], 2, "the board has no sign-in"),
        (["--host", "board.example"], 2, "the board has no sign-in"),
        (["--port", "70000"], 2, "--port is 0 to 65535"),
        (["--port", "x"], 2, "invalid int value"),
        (["extra"], 2, "unrecognized arguments"),
    ],
)
def test_an_option_that_makes_no_sense_is_explained(words, code, said, tmp_path, monkeypatch, capsys):
    """With the exit code of a wrong command line, and nothing listens."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["board", "--no-open", *words]) == code
    assert said in capsys.readouterr().err


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
    settings = Settings(port=0, tick=0.01)
    listening = bind(settings)
    port = listening.getsockname()[1]
    made = started(tmp_path, Settings(port=port, tick=0.01))
    servers = []
    real = uvicorn.Server

    def kept(config):
        servers.append(real(config))
        return servers[0]

    monkeypatch.setattr(uvicorn, "Server", kept)
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.3)
    thread = threading.Thread(target=serve, args=(made.client.app, settings, listening))
    thread.start()
    end = time.monotonic() + 20
    while not (servers and servers[0].started) and time.monotonic() < end:
        time.sleep(0.01)
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
    origin = f"http://localhost:{port}"
    with connect(f"ws://localhost:{port}/live", origin=origin, compression=None, proxy=None) as watching:
        assert '"events": []' in watching.recv(timeout=10)
        time.sleep(0.4)  # longer than a head may take: this is no request any more
        watching.ping().wait(10)
        servers[0].should_exit = True
        thread.join(20)
        assert not thread.is_alive()
    socket.create_server(("127.0.0.1", port)).close()
