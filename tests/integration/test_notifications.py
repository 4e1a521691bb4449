"""Places outside hear how a rollout ended; one that is down, slow or misconfigured holds up nothing."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.integration.rollout.shop import Shop

ADDRESS = "/services/T0/B0/very-secret-part"


class Place:
    """Keeps what it is told; fails as often as asked."""

    def __init__(self):
        self.told = []
        self.failing = 0
        self.redirect = False
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                place.failing -= 1
                if place.failing >= 0:
                    self.send_error(503)
                elif place.redirect:
                    self.send_response(307)
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                    self.end_headers()
                else:
                    place.told.append((self.path, dict(self.headers), sent))
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{ADDRESS}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def place():
    made = Place()
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    made.config["notify"] = [
        {"to": "webhook", "url_env": "HOOK", "key_env": "HOOK_KEY"},
        {"to": "slack", "url_env": "SLACK", "quiet": True},
    ]
    made.write()
    yield made
    made.close()


def ship(shop, place, version, **behaviour):
    shop.build(version, **behaviour)
    return shop.lockgate("deploy", "production", HOOK=place.url, HOOK_KEY="key", SLACK=place.url, GITHUB_ACTIONS="true")


def test_outcomes_are_told_signed_and_quietly(shop, place):
    """The webhook hears of both rollouts, Slack of the one that went back; the address is in no log."""
    place.failing = 2
    code, _, err = ship(shop, place, "1.0")
    assert (code, len(place.told)) == (0, 1), err
    _, headers, sent = place.told[0]
    signed = hmac.new(b"key", f"{headers['X-Lockgate-Timestamp']}.".encode() + sent, hashlib.sha256).hexdigest()
    assert headers["X-Lockgate-Signature"] == f"sha256={signed}"
    assert json.loads(sent)["outcome"] == "deployed"
    code, _, err = ship(shop, place, "1.1", errors_behind_proxy=True)
    assert (code, len(place.told)) == (51, 3)
    assert json.loads(place.told[1][2])["outcome"] == "rolled_back"
    assert "rolled_back" in json.loads(place.told[2][2])["text"]
    shown = "\n".join(line for line in err.splitlines() if not line.startswith("::add-mask::"))
    assert "very-secret-part" not in shown


def test_a_place_that_cannot_be_told_is_named_and_stops_nothing(shop, place):
    """It is down for good, or wants to send the message elsewhere: the rollout ends as it would."""
    place.redirect = True
    code, result, err = ship(shop, place, "1.0")
    assert (code, result["decision"]) == (0, "deployed")
    assert "What $HOOK names could not be told: it answered 307." in err
    shop.build("1.1")
    code, _, err = shop.lockgate("deploy", "production", SLACK="http://hooks.example/x", HOOK="https://127.0.0.1:1/x")
    assert code == 0
    assert "$HOOK_KEY is not set here" in err
