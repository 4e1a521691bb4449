"""Traces of the board: a span for each request and each question, in the trace that the request came with."""

import json
from functools import partial

import pytest

from lockgate.adapters import tracing
from lockgate.board.traces import MOST
from lockgate.core.trace import Span
from tests.integration.board.conftest import started
from tests.standins.collector import Collector, attributes

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


def test_a_request_is_a_span_and_what_it_asks_the_ledger_another(tmp_path, collector):
    """Of the trace that it came with, with route and status; neither who asked nor what was searched is in it."""
    made = started(tmp_path, spans=partial(tracing.send, otlp=collector.url, service="board", seconds=5))
    came = f"00-{TRACE}-{PARENT}-01"
    with made.client:  # what is left is sent when it ends
        assert made.get("/?find=secret-project", headers={"traceparent": came}).status_code == 200
        made.get("/rollouts/none", headers={"traceparent": came})
        made.get("/history", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})  # asks for nothing to be recorded
        made.get("/livez")
        made.get("/approvals", headers={"traceparent": "00-0-1-01"})  # is none
    spans = collector.spans
    by_name = {span.name: span for span in spans}
    assert {name for name in by_name if not name.startswith("ledger")} == {
        *("GET /", "GET /rollouts/{rollout}", "GET /approvals")
    }
    page = by_name["GET /"]
    assert (page.trace_id.hex(), page.parent_span_id.hex()) == (TRACE, PARENT)
    asked = [span for span in spans if span.parent_span_id == page.span_id]
    assert {span.name for span in asked} == {"ledger places"}
    assert all(page.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano for span in asked)
    told = attributes(by_name["GET /rollouts/{rollout}"])
    assert (told["http.route"], told["http.response.status_code"]) == ("/rollouts/{rollout}", "404")
    assert by_name["GET /approvals"].trace_id.hex() != TRACE
    assert not any("secret" in str(span) or "machine" in str(span) for span in spans)
    assert [json.loads(line)["trace"] for line in made.lines][:3] == [TRACE] * 3


def test_a_collector_that_is_away_costs_no_request_anything(tmp_path):
    """Spans wait, at most so many, and what nobody takes is counted."""
    made = started(tmp_path, spans=lambda _: False)
    with made.client:
        traces = made.board.known.traces
        made.get("/")
        for _ in range(MOST + 3):
            with traces.question("x"):  # of no request: no span
                pass
        span = Span("x", TRACE, PARENT, "", 0, 1, passed=True)
        for _ in range(MOST + 3):
            traces.add(span)
    assert traces.sent == 0
    assert traces.lost >= MOST + 3
    assert "lockgate_board_spans_lost_total" in made.board.meters.text()
