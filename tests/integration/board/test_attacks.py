"""Attacks on the board, each tried and refused. docs/board.md has them as a table, and a contract test holds it to this."""

import asyncio
import random
import re
import socket
import time
from dataclasses import replace
from html.parser import HTMLParser

import jwt
import pytest
import uvicorn
from starlette.websockets import WebSocketDisconnect

from lockgate.board.auth.sessions import _derived
from lockgate.board.hardening.headers import POLICY
from lockgate.board.hardening.patience import PatientProtocol
from lockgate.board.server import serve
from lockgate.board.settings import Settings
from tests.integration.board.conftest import ORIGIN, served
from tests.integration.board.signing import KEY, LOOKS, board
from tests.integration.ledger.lives import recent

API = "/api/deployments"
BODY = {"platform": "azure", "environment": "production", "branch": "main", "reference": ""}
SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</title><svg onload=alert(1)>",
    "{{1337*1337}}",
    "\u202egnp.exe",
)


@pytest.fixture
def signing(tmp_path):
    with board(tmp_path) as made:
        yield made


class Judge(HTMLParser):
    """Finds what a browser would run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            runs = name.startswith("on") or name == "style"
            if runs or (
                name in {"href", "src", "action", "formaction"}
                and re.match(r"\s*(javascript|data|vbscript):", value or "")
            ):
                self.found.append((tag, name, value))
        if tag in {"script", "img"} and not dict(attrs).get("src", "").startswith("/static/"):
            self.found.append((tag, attrs))


def judged(answer):
    """Hold that nothing in a page runs but our own files."""
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    judge = Judge()
    judge.feed(answer.text)
    assert judge.found == [], judge.found
    assert "\u202e" not in answer.text
    assert str(1337 * 1337) not in answer.text


def hostile(text):
    """A rollout of which everything that people can write is hostile: version, actor, message, run, commit, branch."""

    def spoilt(value, depth=0):
        if isinstance(value, dict):
            return {name: inner if name in KEPT else spoilt(inner, depth + 1) for name, inner in value.items()}
        if isinstance(value, list):
            return [spoilt(inner, depth + 1) for inner in value]
        return text if isinstance(value, str) and depth else value

    named = {"service": text, "environment": text}
    return [replace(one, event=replace(one.event, data=spoilt(dict(one.event.data)), **named)) for one in HISTORY]


KEPT = {"outcome", "committed_at", "merged_at", "kind", "digest"}
HISTORY = recent(random.Random(5), 2)


@pytest.mark.parametrize("text", HOSTILE)
def test_stored_script_injection(text, running):
    """What a commit, a branch, a name or metadata say is text on every page, and in the feed."""
    running.kind.ledger.replay(hostile(text))
    running.caught_up()
    (one, *_) = [row.id for row in running.kind.ledger.deployments(limit=5)]
    for path in ("/", "/history", f"/rollouts/{one}", "/delivery", "/compare", "/approvals"):
        answer = running.get(path)
        assert answer.status_code == 200, path
        judged(answer)
    assert running.get(API).headers["content-type"] == "application/json"


@pytest.mark.parametrize("text", HOSTILE)
def test_reflected_script_injection(text, signing):
    """What an address says is text in the page that answers it, found or not, signed in or not."""
    judged(signing.get("/auth/back", params={"error": text, "state": text, "code": text}))
    signing.sign_in()
    for path in ("/history", "/compare", "/delivery", "/nothing"):
        judged(signing.get(path, params={"text": text, "service": text, "from": text, "to": text, "cursor": text}))
    judged(signing.get(f"/rollouts/{text}"))


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "", "x"],
)
def test_being_sent_to_another_site(wanted, signing):
    """After signing in people come to a page of the board, whatever the address of the sign-in said."""
    assert signing.get(signing.go(wanted)).headers["location"] == "/"


@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ({}, {"json": BODY}),
        ({"x-csrf-token": ""}, {"json": BODY}),
        ({"x-csrf-token": "0" * 64}, {"json": BODY}),
        ({"x-csrf-token": "\u00e9".encode("latin-1")}, {"json": BODY}),
        ({"origin": "https://evil.example"}, {"json": BODY}),
        ({}, {"data": {"csrf": "0" * 64, "platform": "azure"}}),
        ({"content-type": "text/plain"}, {"content": b'{"platform": "azure"}'}),
        ({"content-type": "application/x-www-form-urlencoded"}, {"content": b"csrf=%00&csrf"}),
    ],
)
def test_csrf(headers, more, signing):
    """A foreign page sends our cookie with what it sends; without the word of our own pages nothing is done."""
    signing.sign_in()
    for path in (API, "/auth/leave"):
        assert signing.client.post(path, headers=headers, **more).status_code == 403
    other = signing.word()
    signing.sign_in(sub="eve-1")
    assert signing.client.post(API, json=BODY, headers={"x-csrf-token": other}).status_code == 403
    foreign = {"x-csrf-token": signing.word(), "origin": "https://evil.example"}
    assert signing.client.post(API, json=BODY, headers=foreign).status_code == 403
    assert signing.made.board.dispatch.asked == []
    assert signing.get("/").status_code == 200
    assert "access-control-allow-origin" not in signing.get(API, headers={"origin": "https://evil.example"}).headers


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("signature", "Signature verification failed"), ("foreign_key", "a key that the provider does not have"),
        ("unsigned", "which proves nothing"), ("shared", "which proves nothing"), ("expired", "is over"),
        ("early", "not good yet"), ("audience", "Audience"), ("azp", "made for somebody else"), ("issuer", "issuer"),
        ("nonce", "of another try"),
    ],
)  # fmt: skip
def test_forged_expired_and_foreign_tokens_of_the_provider(wrong, said, signing):
    """One that is not the provider's, not for us, not for now or not of this try lets nobody in."""
    signing.provider.wrong = wrong
    answer = signing.get(signing.go())
    assert answer.status_code == 403
    assert said in answer.text
    assert signing.get("/").status_code == 303


def test_a_sign_in_that_is_replayed_or_begun_by_somebody_else(signing):
    """It is finished once, in ten minutes, by the browser that began it, with the provider that was asked."""
    back = signing.go()
    flow = signing.client.cookies["lockgate-flow"]
    signing.client.cookies.clear()
    assert signing.get(back).status_code == 400
    signing.client.cookies.set("lockgate-flow", flow)
    assert signing.get(back.replace("state=", "state=x")).status_code == 400
    assert signing.get(f"{back.partition('&iss=')[0]}&iss=https://evil.example").status_code == 400
    signing.client.cookies.clear()
    back = signing.go()
    flow = signing.client.cookies["lockgate-flow"]
    assert signing.get(back).status_code == 303
    signing.client.cookies.clear()
    signing.client.cookies.set("lockgate-flow", flow)
    assert signing.get(back).status_code == 400
    back = signing.go()
    signing.hands.sleep(601)
    assert signing.get(back).status_code == 400
    stolen = signing.provider.codes.popitem()[0]
    signing.provider.codes[stolen] = {"code_challenge": "of somebody else", "redirect_uri": f"{ORIGIN}/auth/back"}
    assert "invalid_grant" in signing.get(re.sub("code=[^&]+", f"code={stolen}", signing.go())).text


def test_forged_and_expired_sessions(signing):
    """What we did not sign, or signed for something else, is no session; nor is one that is over."""
    flow = signing.door.sessions.write_flow(signing.door.sessions.begin("/"), signing.hands.now().timestamp())
    told = {"sid": "x", "name": "eve", "role": "operator", "services": None, "sub": "1", "by": "", "exp": 9e9}
    good = jwt.encode(told, _derived(KEY, "session"), "HS256")
    head, payload, signature = good.split(".")
    forged = [
        jwt.encode(told, None, "none"), jwt.encode(told, _derived("x" * 40, "session"), "HS256"),
        jwt.encode(told, _derived(KEY, "flow"), "HS256"), jwt.encode(told, KEY, "HS256"),
        jwt.encode({**told, "exp": 1}, _derived(KEY, "session"), "HS256"), flow,
        f"{head}.{payload[:-2]}.{signature}", f"{head}.{payload}.", "", "x", "a.b.c", "." * 4000,
    ]  # fmt: skip
    for value in forged:
        signing.client.cookies.set("lockgate", value)
        assert signing.get("/").status_code == 303, value
    signing.client.cookies.set("lockgate", good)
    assert signing.get("/").status_code == 200
    for value in (
        "Bearer",
        "Bearer lgb_",
        f"Basic {LOOKS}",
        f"Bearer {LOOKS}x",
        f"Bearer x, Bearer {LOOKS}",
        "Bearer é",
    ):
        assert signing.get(API, headers={"authorization": value.encode("latin-1")}).status_code == 401, value


def test_a_viewer_acting_as_operator(signing):
    """Neither by what they send nor by what they call themselves."""
    signing.sign_in(roles=["viewer"], role="operator", name="operator", groups=["operator"])
    word = {"x-csrf-token": signing.word(), "x-role": "operator", "x-http-method-override": "GET"}
    answer = signing.client.post(API, json=BODY, headers=word)
    assert (answer.status_code, answer.json()["detail"]) == (403, "That needs the role operator.")
    assert signing.client.post(API, json={**BODY, "role": "operator"}, headers=word).status_code == 403
    assert signing.client.post(API, json=BODY, headers={"authorization": f"Bearer {LOOKS}"}).status_code == 403
    assert signing.made.board.dispatch.asked == []


def test_oversized_bodies(signing):
    """By what the header says, and by what comes where it says nothing or lies."""
    signing.sign_in()
    word = {"x-csrf-token": signing.word(), "content-type": "application/json"}
    long = b"x" * 70_000
    form = {"content-type": "application/x-www-form-urlencoded"}
    for path, headers in ((API, word), ("/auth/leave", form), (API, form)):
        assert signing.client.post(path, content=long, headers=headers).status_code == 413
        chunks = (long[:10_000] for _ in range(7))
        assert signing.client.post(path, content=chunks, headers=headers).status_code == 413
    assert signing.get("/", headers={"cookie": f"lockgate={'x' * 60_000}"}).status_code == 303


def test_slow_clients(tmp_path, monkeypatch):
    """A head, or a body, that takes too long ends the connection; who is quick is served meanwhile."""
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.15)
    with served(tmp_path, monkeypatch, Settings(seconds=0.15)) as there:
        port, end = there.port, time.monotonic() + 20
        head = (
            f"POST {API} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n"
        )
        quick = f"GET /livez HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
        for sent, then, said in (
            (head, "", b""),
            ("", "", b""),
            (quick, "GET /", b"200"),
            (head + "\r\n{", "", b"503"),
        ):
            with socket.create_connection(("127.0.0.1", port), 10) as client:
                client.sendall(sent.encode())
                answer = client.recv(4096)
                client.sendall(then.encode())
                while more := client.recv(4096):
                    answer += more
                    assert time.monotonic() < end
                assert answer[9:12] == said


def test_a_websocket_from_a_foreign_origin(signing):
    """A browser sends our cookie with it; the origin that it names is not ours, so it is closed before it opens."""
    signing.sign_in()
    for origin in ("https://evil.example", "null", "http://localhost", f"{ORIGIN}.evil.example", None):
        headers = {} if origin is None else {"origin": origin}
        with (
            pytest.raises(WebSocketDisconnect),
            signing.client.websocket_connect("ws://localhost:7171/live", headers=headers),
        ):
            pass
    assert signing.made.board.hub.watchers == 0


def test_a_foreign_host_and_a_forged_proxy(tmp_path, monkeypatch):
    """No name but ours is answered, and what X-Forwarded says counts from the proxies that are named, alone."""
    configs = []

    class Server:
        def __init__(self, config):
            configs.append(config)

        def run(self, sockets):
            config = configs[-1]
            config.load()
            self.app = config.loaded_app

    async def ask(app, client, **headers):
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http", "client": (client, 1),
                 "headers": [(b"host", b"board.example"), *((k.encode(), v.encode()) for k, v in headers.items())]}  # fmt: skip
        said = []

        async def send(message):
            said.append(message)

        await app(scope, None, send)
        return said[0]["status"]

    monkeypatch.setattr(uvicorn, "Server", Server)
    proxies = frozenset({"10.0.0.0/8", "192.0.2.1"})
    with board(tmp_path, public_url="https://board.example", trusted_proxies=proxies) as signing:
        assert signing.get("https://evil.example/").status_code == 421
        serve(signing.client.app, signing.made.board.settings, None)
        app = configs[0].loaded_app
        by_tls = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
        for client, headers, status in (
            ("10.1.2.3", by_tls, 303), ("192.0.2.1", by_tls, 303), ("203.0.113.9", by_tls, 308), ("10.1.2.3", {}, 308),
            ("10.1.2.3", {**by_tls, "x-forwarded-host": "evil.example"}, 303),
        ):  # fmt: skip
            assert asyncio.run(ask(app, client, **headers)) == status, (client, headers)
