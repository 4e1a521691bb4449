"""The board as a service: health, headers, hosts, limits, logs."""

import asyncio
import json
import logging

import pytest
from starlette.responses import PlainTextResponse

from lockgate.board.app import create_app
from lockgate.board.hardening.limits import Limits
from lockgate.board.hardening.other_log import told_too
from lockgate.board.settings import Settings
from lockgate.core.security_headers import NAMES, weaknesses
from lockgate.errors import LedgerUnavailableError
from tests.integration.board.conftest import started


def test_probes_are_answered_and_say_how_each_part_is(lived):
    """Alive, ready, and every component with its state and time; a ledger that is there is ok."""
    assert lived.get("/livez").text == "ok\n"
    assert lived.get("/readyz").status_code == 200
    told = lived.get("/health").json()
    assert (told["status"], set(told["components"])) == (
        "ok",
        {"database", "live", "github", "cache", "disk", "memory"},
    )
    assert all(part["milliseconds"] >= 0 for part in told["components"].values())
    assert told["components"]["github"]["state"] == "off"


def test_a_ledger_that_goes_away_leaves_the_last_known_state(tmp_path):
    """Readiness and health say so, the page shows what it knows with its age, and all is well when it is back."""
    made = started(tmp_path)
    with made.client:
        store, real = made.board.store, made.board.store._rows
        assert made.get("/").status_code == 200

        def away(*_):
            raise LedgerUnavailableError("The ledger's database did not answer: gone.")

        type(store)._rows = away
        try:
            made.board.known.drop()
            assert made.get("/readyz").status_code == 503
            assert made.get("/health").json()["status"] == "down"
            page = made.get("/")
            assert (page.status_code, "The ledger cannot be read" in page.text) == (200, True)
            assert made.get("/?find=x").status_code == 200
            assert made.get("/livez").status_code == 200
            assert "lockgate_board_ledger_up 0" in made.get("/metrics").text
        finally:
            type(store)._rows = real.__func__
        made.board.known._away = None
        assert made.get("/readyz").status_code == 200
        assert "cannot be read" not in made.get("/").text


def test_metrics_are_prometheus_text(lived):
    """Requests are counted by route, with a histogram that adds up."""
    lived.get("/")
    lived.get("/nothing/here")
    text = lived.get("/metrics").text
    assert 'lockgate_board_requests_total{route="/",method="GET",status="200"} 1' in text
    assert 'lockgate_board_requests_total{route="other",method="GET",status="404"} 1' in text
    assert 'lockgate_board_request_seconds_bucket{route="/",le="+Inf"} 1' in text
    assert "# TYPE lockgate_board_watchers gauge\nlockgate_board_watchers 0\n" in text


def test_methods_that_somebody_invents_are_counted_together(lived):
    """Nobody can make the metrics, or the memory that they take, grow without end."""
    for number in range(50):
        lived.client.request(f"MADE{number}", "/livez")
    text = lived.get("/metrics").text
    assert "MADE" not in text
    assert 'route="/livez",method="other",status="405"} 50' in text


@pytest.mark.parametrize("path", ["/", "/livez", "/none", "/static/board.css", "/health"])
def test_every_answer_has_the_headers_that_our_own_gate_asks_for(running, path):
    """The probe that Lockgate holds other services to finds nothing here."""
    headers = {name.lower(): value for name, value in running.get(path).headers.items()}
    assert len(NAMES) == 5
    assert list(weaknesses(headers)) == []
    assert "unsafe" not in headers["content-security-policy"]
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


def test_a_foreign_name_is_answered_with_nothing(running):
    """A page whose name was made to mean this machine reads nothing; a probe by address is answered."""
    for host in ("evil.example", "localhost:1", "localhost", ""):
        assert running.get("/", headers={"host": host}).status_code == 421
    assert running.get("/", headers={"host": "127.0.0.1:7171"}).status_code == 200
    assert running.get("/livez", headers={"host": "10.0.0.7"}).status_code == 200


def test_behind_a_public_name_everything_goes_by_tls(tmp_path):
    """A request by http is sent on to https; the old name of the machine is foreign."""
    made = started(tmp_path, Settings(public_url="https://board.example"))
    said = made.client.get("http://board.example/history?text=abc", follow_redirects=False)
    assert (said.status_code, said.headers["location"]) == (308, "https://board.example/history?text=abc")
    assert made.client.get("http://localhost:7171/", follow_redirects=False).status_code == 421
    assert made.client.get("http://10.1.2.3/livez").status_code == 200


def test_a_body_and_an_answer_have_limits():
    """A body is cut off whether or not it says how long it is; an answer that does not come is given up."""

    async def ask(body, length=None, seconds=1.0):
        said = []

        async def app(scope, receive, send):
            while (await receive()).get("more_body"):
                pass
            if not length:
                await asyncio.sleep(0.2)
            await PlainTextResponse("read")(scope, receive, send)

        parts = [{"type": "http.request", "body": part, "more_body": True} for part in body]
        parts.append({"type": "http.request", "body": b"", "more_body": False})
        headers = [(b"host", b"localhost:7171"), *([(b"content-length", length)] if length else [])]
        scope = {
            "type": "http",
            "path": "/x",
            "method": "POST",
            "scheme": "http",
            "query_string": b"",
            "headers": headers,
        }

        async def receive():
            return parts.pop(0)

        async def send(message):
            said.append(message)

        await Limits(app, Settings(body_bytes=10, seconds=seconds))(scope, receive, send)
        return said[0]["status"]

    assert asyncio.run(ask([b"12345"], b"5")) == 200
    assert asyncio.run(ask([], b"11")) == 413
    assert asyncio.run(ask([b"123456", b"123456"], b"5")) == 413
    assert asyncio.run(ask([b"1"], seconds=0.05)) == 503


def test_a_request_is_one_line_of_json_without_what_was_searched(running):
    """With an id that the answer has, too; a strange id is not taken over; probes that went well are not told."""
    answer = running.get("/?find=secret-project", headers={"x-request-id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    assert running.get("/", headers={"x-request-id": "a b\x22"}).headers["x-request-id"] != "a b\x22"
    running.get("/livez")
    told = [json.loads(line) for line in running.lines]
    assert [(one["path"], one["status"], one["id"] == "abc-1") for one in told] == [("/", 200, True), ("/", 200, False)]
    assert told[0]["viewer"] == "this machine"
    assert told[1]["id"] == told[1]["trace"], "what a request is called is its trace, unless somebody called it before"
    assert "secret" not in "".join(running.lines)


def test_a_bug_is_told_to_the_log_and_not_to_the_visitor(tmp_path):
    """The answer has the request's id and nothing of the inside."""
    made = started(tmp_path)

    async def broken(_request):
        raise RuntimeError("inside 7")

    app = create_app(made.board, made.lines.append)
    app.add_route("/broken", broken)
    made.client.app = app
    answer = type(made.client)(app, base_url="http://localhost:7171", raise_server_exceptions=False).get("/broken")
    assert answer.status_code == 500
    assert "inside" not in answer.text
    assert "RuntimeError: inside 7" in json.loads(made.lines[-1])["error"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_bug_in_a_library_is_a_line_of_the_same_log():
    """With its traceback, and through the same redaction, whatever thread or task it happened in."""
    lines, logger = [], logging.getLogger("uvicorn.error")
    with told_too(lambda line: lines.append(line.replace("the-password", "***"))):
        logger.info("not told")
        try:
            int("postgresql://ada:the-password@db")
        except ValueError:
            logger.exception("Exception in %s", "ASGI application")
    logger.error("not told any more")
    told = json.loads(lines[0])
    assert len(lines) == 1
    assert (told["level"], told["logger"], told["message"]) == (
        "error",
        "uvicorn.error",
        "Exception in ASGI application",
    )
    assert "postgresql://ada:***@db" in told["error"]
