"""The trace of a rollout, as a real collector and the service itself see it."""

import json
import re

import pytest

from lockgate.core.trace import span_id, trace_id
from tests.standins.collector import Collector, attributes

WRITES_DOWN = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        with open(os.environ["SEEN"], "a") as seen:
            print(self.headers.get("traceparent", "none"), file=seen)
        body = b'{"status": "ok"}'
        self.send_response(200)
        self.send_header("X-Version", os.environ["LOCKGATE_VERSION"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): ...
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Service).serve_forever()
"""


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


def test_a_rollout_is_one_trace_from_its_ledger_to_the_service(shop, collector, tmp_path):
    """A span for every effect under one for the rollout; every probe and every line of the log names the trace."""
    seen = tmp_path / "seen"
    (shop.root / "service.py").write_text(WRITES_DOWN)
    shop.config["telemetry"] = {"otlp": collector.url}
    shop.config["secrets"] = {"SEEN": {"env": "SEEN"}}
    shop.write()
    shop.build("1.0")
    code, result, progress = shop.lockgate("deploy", "production", SEEN=str(seen))
    assert code == 0, progress
    rollout = result["data"]["rollout"]
    assert {span.trace_id.hex() for span in collector.spans} == {trace_id(rollout)}
    (whole,) = [span for span in collector.spans if not span.parent_span_id]
    assert whole.span_id.hex() == span_id(rollout)
    assert attributes(whole)["lockgate.outcome"] == "deployed"
    inner = {span.name for span in collector.spans} - {whole.name}
    assert {"deploy_preview", "analyse pre_promotion", "shift", "analyse bake"} <= inner
    assert all(span.parent_span_id == whole.span_id for span in collector.spans if span is not whole)
    assert all(whole.start_time_unix_nano <= s.start_time_unix_nano <= s.end_time_unix_nano for s in collector.spans)
    headers = set(seen.read_text().split()) - {"none"}
    assert len(headers) >= 2
    spans = {span.span_id.hex() for span in collector.spans}
    for header in headers:
        version, trace, span, flags = header.split("-")
        assert (version, trace, flags) == ("00", trace_id(rollout), "01")
        assert span in spans
    assert any(re.search(rf"s {trace_id(rollout)[:8]} ", line) for line in progress.splitlines())
    assert collector.resources[0] == {"service.name": "lockgate", "lockgate.service": "shop"}


@pytest.mark.parametrize("broken", ["refuses", "is gone"])
def test_a_collector_that_fails_stops_nothing(shop, collector, broken):
    """It is said, and the rollout ends as it does."""
    shop.config["telemetry"] = {"otlp": collector.url}
    shop.write()
    collector.status = 400
    if broken == "is gone":
        collector.close()
        collector.close = lambda: None
    code, result, progress = shop.deploy("1.0")
    assert (code, result["decision"]) == (0, "deployed")
    assert "trace" in progress
    assert json.dumps(result)
