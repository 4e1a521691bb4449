"""Signing in at an OpenID provider, out again, and what a session is good for."""

import time
from contextlib import ExitStack
from dataclasses import replace

import pytest
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect as Closed

from lockgate.board.auth.door import asker
from lockgate.board.auth.sessions import Sessions
from lockgate.core.ledger import LedgerEvent
from lockgate.errors import LedgerUnavailableError
from tests.integration.board.conftest import ORIGIN
from tests.integration.board.signing import KEY, LOOKS, OPERATES, board

BODY = {"platform": "azure", "environment": "production", "branch": "main", "reference": ""}
API = "/api/deployments"


@pytest.fixture
def signing(tmp_path):
    with board(tmp_path) as made:
        yield made


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_somebody_signs_in_looks_and_signs_out(signing):
    """They come back to the page that they wanted; after signing out nothing is left, here or in a copy of the cookie."""
    answer = signing.get("/history?by=ada")
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/in?next=%2Fhistory%3Fby%3Dada")
    back = signing.get(signing.go("/history?by=ada"))
    assert (back.status_code, back.headers["location"]) == (303, "/history?by=ada")
    cookie = next(one for one in back.headers.get_list("set-cookie") if one.startswith("lockgate="))
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=28800"} <= set(cookie.split("; "))
    page = signing.client.get("/")
    assert "ada@shop.example · operator" in page.text
    stolen = signing.client.cookies["lockgate"]
    left = signing.client.post("/auth/leave", data={"csrf": signing.word()})
    assert "You have signed out" in left.text
    assert f'href="{signing.provider.issuer}/leave"' in left.text
    signing.client.cookies.set("lockgate", stolen)
    assert signing.get("/").status_code == 303


def test_by_tls_the_cookie_is_of_this_host_alone(tmp_path):
    """No other host, and no plain connection, can set one that is taken for ours."""
    with board(tmp_path, public_url="https://board.example") as signing:
        back = signing.sign_in()
        cookies = {one.partition("=")[0]: set(one.split("; ")) for one in back.headers.get_list("set-cookie")}
        assert set(cookies) == {"__Host-lockgate", "__Host-lockgate-flow"}
        assert all({"Secure", "HttpOnly", "Path=/"} <= found for found in cookies.values())
        assert not any(one.lower().startswith("domain") for found in cookies.values() for one in found)
        assert signing.get("/").status_code == 200
        assert signing.get("/").headers["strict-transport-security"].startswith("max-age=63072000")
        plain = signing.client.get("http://board.example/history?by=ada", follow_redirects=False)
        assert (plain.status_code, plain.headers["location"]) == (308, "https://board.example/history?by=ada")


def test_a_program_is_told_what_is_missing(signing):
    """It gets no page to sign in at, nor does a script of a page; probes need nothing."""
    for path, headers in ((API, {}), ("/history", {"sec-fetch-mode": "cors"}), ("/badge/shop/production.svg", {})):
        answer = signing.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="lockgate"')
    for path in ("/livez", "/readyz", "/static/board.css"):
        assert signing.get(path).status_code == 200


def test_a_service_token_speaks_for_a_program(signing):
    """As its line says, until its last day is over, without the word that browsers need, and beside no cookie."""
    assert signing.get(API, headers=bearer(LOOKS)).status_code == 200
    assert signing.client.post(API, json=BODY, headers=bearer(LOOKS)).status_code == 403
    assert signing.client.post(API, json=BODY, headers=bearer(OPERATES)).status_code == 202
    signing.sign_in()
    assert signing.get(API, headers=bearer("lgb_wrong")).status_code == 401
    signing.hands.sleep(36 * 3600)
    assert signing.get(API, headers=bearer(LOOKS)).status_code == 401


def test_whoever_has_no_role_may_not_look(signing):
    """They are told what is missing, once, and not sent around in a circle."""
    answer = signing.sign_in(roles=["baker"])
    assert answer.status_code == 403
    assert "none of the roles that this board knows (operator, viewer)" in answer.text
    many = signing.sign_in(services=[f"service-{number}-{'x' * 60}" for number in range(120)])
    assert (many.status_code, "too many services" in many.text) == (403, True)
    assert signing.get("/").status_code == 303


def test_a_session_ends_by_itself(signing):
    """With it what is live: the browser is told that it is over, and does not try again."""
    signing.sign_in()
    signing.hands.sleep(8 * 3600 - 0.3)
    with signing.client.websocket_connect("ws://localhost:7171/live", headers={"origin": ORIGIN}) as socket:
        assert "events" in socket.receive_text()
        with pytest.raises(Closed) as over:
            socket.receive_text()
        assert over.value.code == 4401
    signing.hands.sleep(1)
    assert signing.get("/").status_code == 303


def test_a_page_that_was_let_in_is_finished_when_the_session_ends_meanwhile(signing, monkeypatch):
    """It would be a page with an error else."""
    signing.sign_in()
    signing.hands.sleep(8 * 3600 - 0.01)
    serving = signing.made.board.store.serving

    def slowly(viewer):
        time.sleep(0.05)
        return serving(viewer)

    monkeypatch.setattr(signing.made.board.store, "serving", slowly)
    assert signing.get("/").status_code == 200


def test_signing_out_ends_what_is_live(signing):
    """Of this session, and of no other one of the same person."""
    signing.sign_in()
    word, first = signing.word(), signing.client.cookies["lockgate"]
    address, headers = "ws://localhost:7171/live", {"origin": ORIGIN}
    with signing.client.websocket_connect(address, headers=headers) as socket:
        assert "events" in socket.receive_text()
        signing.sign_in()
        with signing.client.websocket_connect(address, headers=headers) as other:
            assert "events" in other.receive_text()
            signing.client.cookies.clear()
            signing.client.cookies.set("lockgate", first)
            assert signing.client.post("/auth/leave", headers={"x-csrf-token": word}).status_code == 200
            with pytest.raises(Closed) as over:
                socket.receive_text()
            assert over.value.code == 4401
            assert signing.made.board.hub.watchers == 1


def test_one_person_has_so_many_live_connections_and_no_more(signing):
    """The next is told so by a code of its own, and another person is not."""
    signing.made.board.settings = replace(signing.made.board.settings, watchers_each=2)
    signing.sign_in()
    address, headers = "ws://localhost:7171/live", {"origin": ORIGIN}
    with ExitStack() as stack:
        for _ in range(2):
            socket = stack.enter_context(signing.client.websocket_connect(address, headers=headers))
            assert "events" in socket.receive_text()
        with signing.client.websocket_connect(address, headers=headers) as late, pytest.raises(Closed) as over:
            late.receive_text()
        assert over.value.code == 4429
        assert signing.get("/events").status_code == 429
        headers = {**headers, "authorization": f"Bearer {LOOKS}"}
        with signing.client.websocket_connect(address, headers=headers) as other:
            assert "events" in other.receive_text()


def test_a_key_is_changed_without_anybody_noticing(signing):
    """The new one signs, the old one is still believed; without it whoever has signed in does so again."""
    signing.sign_in()
    signing.door.sessions = Sessions(("another key of the sessions, as long", KEY), secure=False)
    assert signing.client.post("/auth/leave", data={"csrf": "wrong"}).status_code == 403
    assert signing.client.post(API, json=BODY, headers={"x-csrf-token": signing.word()}).status_code == 202
    signing.door.sessions = Sessions(("another key of the sessions, as long",), secure=False)
    assert signing.get("/").status_code == 303


def test_every_write_is_an_event_of_the_ledger(signing):
    """Who, what, when and how it went, in the chain; one that cannot be kept is not done."""
    signing.sign_in()
    word = {"x-csrf-token": signing.word()}
    assert signing.client.post(API, json=BODY, headers=word).status_code == 202
    links = [one for one in signing.made.kind.ledger.links(0) if one.kind.startswith("board.")]
    asked, answered = signing.made.kind.ledger.events(links[0].rollout)
    assert isinstance(asked, LedgerEvent)
    assert (asked.kind, answered.kind, asked.environment) == ("board.asked", "board.answered", "production")
    assert asked.data["by"] == {"name": "ada", "subject": "ada-1", "issuer": signing.provider.issuer}
    assert (asked.data["about"], answered.data["status"]) == (BODY, 202)
    assert signing.get(f"{API}?limit=5").json()["deployments"] == []

    class Away:
        def record(self, _event):
            raise LedgerUnavailableError("The ledger is away.")

    signing.made.board.audit = Away()
    refused = signing.client.post(API, json=BODY, headers=word)
    assert (refused.status_code, refused.json()["title"]) == (503, "It cannot be recorded, so it was not done")
    assert len(signing.made.board.dispatch.asked) == 1


def test_nobody_asks_too_often(signing):
    """Trying to sign in, guessing tokens, writing: each has its limit, and says when to come back."""
    tries = [signing.get("/auth/in").status_code for _ in range(21)]
    assert (set(tries[:20]), tries[20]) == ({303}, 429)
    guesses = [signing.get(API, headers=bearer(f"lgb_{number}")) for number in range(21)]
    assert ({one.status_code for one in guesses[:20]}, guesses[20].status_code) == ({401}, 429)
    assert guesses[20].headers["retry-after"] == "6"
    assert signing.get(API, headers=bearer(LOOKS)).status_code == 200
    signing.made.board.audit = None
    writes = [signing.client.post(API, json=BODY, headers=bearer(OPERATES)).status_code for _ in range(21)]
    assert (set(writes[:20]), writes[20]) == ({202}, 429)
    signing.hands.sleep(60)
    assert signing.get("/auth/in").status_code == 303


@pytest.mark.parametrize(
    ("host", "seen"), [("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::/64"), ("testclient", "testclient")]
)
def test_an_asker_is_a_network(host, seen):
    """With IPv6 one customer has 2^64 addresses."""
    assert asker(HTTPConnection({"type": "http", "client": (host, 1), "headers": []})) == seen


def test_keys_of_the_provider_are_read_again_when_a_new_one_signs(signing):
    """Otherwise they are kept; and nobody can make the board ask for them again and again."""
    read = lambda: signing.provider.asked.count("/keys")  # noqa: E731
    for _ in range(3):
        assert signing.sign_in().status_code == 303
    assert (read(), signing.provider.asked.count("/.well-known/openid-configuration")) == (1, 1)
    signing.provider.rotate("second")
    signing.hands.sleep(31)
    assert signing.sign_in().status_code == 303
    assert read() == 2
    signing.provider.wrong = "foreign_key"
    for _ in range(3):
        assert signing.sign_in().status_code == 403
    assert read() == 2


@pytest.mark.parametrize(
    ("path", "fault", "status", "said"),
    [
        ("openid", {"status": 500}, 502, "answered 500"),
        ("openid", {"status": 200, "message": "<html>"}, 502, "did not answer in JSON"),
        ("openid", {"status": 200, "message": '{"issuer": "https://evil.example"}'}, 502, "calls itself https://evil"),
        ("keys", {"status": 503}, 502, "answered 503"),
        ("keys", {"status": 200, "message": '{"keys": [1]}'}, 403, "a key that the provider does not have"),
        ("token", {"status": 500}, 502, "gave no token"),
        ("token", {"status": 400, "message": '{"error": "invalid_grant"}'}, 403, "invalid_grant"),
    ],
)
def test_a_provider_that_is_away_or_answers_wrongly_lets_nobody_in(path, fault, status, said, signing):
    """It is said what is wrong; afterwards signing in works again."""
    method = "POST" if path == "token" else "GET"
    back = None if path == "openid" else signing.go()
    signing.provider.faults.add(method, path, times=2, **fault)
    answer = signing.get(back or "/auth/in")
    assert answer.status_code == status
    assert said in answer.text
    signing.provider.faults.clear()
    signing.hands.sleep(31)
    assert signing.sign_in().status_code == 303
