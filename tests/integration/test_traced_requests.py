"""Whoever is asked by a rollout is told its trace: the header that the clients of GitHub, Supabase and webhooks send."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lockgate.adapters import tracing
from lockgate.adapters.clock import SystemClock
from lockgate.adapters.github.client import GitHub
from lockgate.adapters.ledger.supabase import SupabaseCall
from lockgate.adapters.webhook import send
from lockgate.core.trace import traceparent

PARENT = traceparent("a" * 32, "b" * 16, sampled=False)


@pytest.fixture
def server():
    """Takes anything, and keeps the headers."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(self.headers)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            """Say nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_address[1]}", seen
    made.shutdown()
    made.server_close()


ASKS = {
    "github": lambda url: GitHub("token", "octo-org/shop", url, SystemClock()).get("/deployments"),
    "supabase": lambda url: SupabaseCall(url, "sb_secret_x", 5.0)("append", {}),
    "webhook": lambda url: send("HOOK", url, b"{}", {}, SystemClock()),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_a_request_of_a_rollout_carries_its_trace(server, ask):
    """Also from a thread that works for it; outside of a rollout there is none to name."""
    tracing.done()
    url, seen = server
    ask(url)
    token = tracing._CURRENT.set(PARENT)
    try:
        ask(url)
        worker = tracing.thread(ask, url)
        worker.start()
        worker.join(10)
    finally:
        tracing._CURRENT.reset(token)
    assert [one.get("traceparent") for one in seen] == [None, PARENT, PARENT]
