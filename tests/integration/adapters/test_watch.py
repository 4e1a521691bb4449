"""The prober against real servers, the hostile ones too."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lockgate.adapters.watch import Endpoint, StoppedError, Watcher
from lockgate.core.config import GateConfig, VersionConfig
from lockgate.core.gate import Gate
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.samples import GateSpec, Objective, Role, Verdict
from tests.ports import free_port

OBJECTIVES = (Objective("availability", 0.001, 0.3), Objective("latency", 0.05, 0.5))


def spec(**changes):
    values = {
        "objectives": OBJECTIVES,
        "alpha": 0.01,
        "duration": 3.0,
        "minimum_samples": 10,
        "minimum_span": 0.2,
        "early_pass": True,
        "compare": False,
    }
    return GateSpec(**{**values, **changes})


def config(**changes):
    values = {"probes": (ProbeConfig("/", timeout=0.5),), "version": VersionConfig(header="X-Version"), "rate": 40.0}
    return GateConfig(**{**values, **changes})


@contextlib.contextmanager
def http_server(answer):
    """Serve `answer(handler)` on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler, status=200, body=b"ok", version="1", **headers):
    handler.send_response(status)
    handler.send_header("X-Version", version)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def judge(url, *, gate=None, stop=lambda: False, settings=None, warm_up=0.0, **endpoint):
    values = {"versions": {"1": Role.CANDIDATE}, "default": Role.CANDIDATE, "direct": True}
    watcher = Watcher(settings or config(), 1.0, stop)
    return watcher.judge(gate or Gate(spec()), [Endpoint(url, **{**values, **endpoint})], warm_up)


def test_a_good_server_passes():
    """Enough good answers, and no more than needed."""
    with http_server(reply) as url:
        assert judge(url).verdict is Verdict.SUCCESSFUL


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda h: reply(h, 500), "status 500"),
        (lambda h: reply(h, 302, Location="/elsewhere"), "status 302"),
        (lambda h: reply(h, version="2"), 'version "2" answered'),
        (lambda h: time.sleep(0.9), "timed out"),
        (lambda h: h.wfile.write(b"\x00\xff not http\r\n\r\n"), "no answer"),
        (lambda h: h.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"), "no answer"),
    ],
)
def test_bad_servers_fail_with_an_example(answer, words):
    """Errors, redirects, the wrong version, silence, garbage and huge headers are all bad, none of them a crash."""
    with http_server(answer) as url:
        report = judge(url)
    assert report.verdict is Verdict.FAILED
    assert any(words in example for example in report.indicators[0].examples), report


def test_an_endless_body_costs_neither_time_nor_memory():
    """Reading stops at the limit; what was asked for was in the first bytes."""

    def pour(handler):
        reply(handler)
        for _ in range(10_000):
            handler.wfile.write(b"x" * 65536)

    with http_server(pour) as url:
        assert judge(url).verdict is Verdict.SUCCESSFUL


def test_nobody_listening_is_no_answer():
    """A closed port is the release's fault where nothing else is known."""
    report = judge(f"http://127.0.0.1:{free_port()}")
    assert (report.verdict, report.reason.value) == (Verdict.FAILED, "gate_no_answer")


def test_the_rate_does_not_wait_for_answers():
    """A server that takes 0.3 s is asked as often as a quick one."""
    asked = []

    def slow(handler):
        asked.append(time.monotonic())
        time.sleep(0.3)
        reply(handler)

    with http_server(slow) as url:
        judge(url, gate=Gate(spec(early_pass=False, duration=2.0)))
    assert 70 <= len(asked) <= 85


def test_a_hanging_server_does_not_escape_at_the_end_of_the_watch():
    """Questions still open when time is up are waited for and counted."""
    with http_server(lambda h: time.sleep(0.9)) as url:
        report = judge(url, gate=Gate(spec(early_pass=False, duration=0.3, minimum_span=0.0)))
    assert report.verdict is Verdict.FAILED


def test_answers_at_the_front_door_are_attributed_by_version():
    """Where two revisions answer, each answer is whose version it names; a stranger's is nobody's."""
    names = iter(["1", "2", "3"] * 1000)
    with http_server(lambda h: reply(h, version=next(names))) as url:
        report = judge(
            url,
            gate=Gate(spec(early_pass=False, duration=1.0, compare=True)),
            versions={"1": Role.CANDIDATE, "2": Role.BASELINE},
            default=None,
            direct=False,
        )
    availability = report.indicators[0]
    assert 10 <= availability.total <= 16
    assert 10 <= availability.baseline_total <= 16


def test_an_address_that_is_the_users_too_is_asked_with_the_revisions_cookie():
    """Should the cookie be lost on the way, the other revision's answers are still its own; a stranger's is a bad one."""
    names, cookies = iter(["1", "2", "3"] * 1000), set()

    def answer(handler):
        cookies.add(handler.headers["Cookie"])
        reply(handler, version=next(names))

    with http_server(answer) as url:
        report = judge(
            url,
            gate=Gate(spec(early_pass=False, duration=1.0, compare=True)),
            versions={"1": Role.CANDIDATE, "2": Role.BASELINE},
            default=Role.BASELINE,
            version="2",
            cookie="to=two",
        )
    availability = report.indicators[0]
    assert cookies == {"to=two"}
    assert 10 <= availability.total <= 16
    assert availability.bad == 0
    assert 10 <= availability.baseline_bad <= 16
    assert 20 <= availability.baseline_total <= 32


def test_a_service_that_loads_for_a_while_is_waited_for():
    """Before promotion, errors while starting up are not held against the release."""
    born = time.monotonic()
    with http_server(lambda h: reply(h, 200 if time.monotonic() - born > 0.6 else 503)) as url:
        assert judge(url, warm_up=5.0).verdict is Verdict.SUCCESSFUL


def test_a_wish_to_stop_ends_the_watch_at_once():
    """A signal does not wait for the bake."""
    started = time.monotonic()
    with http_server(reply) as url, pytest.raises(StoppedError):
        judge(url, gate=Gate(spec(early_pass=False, duration=30.0)), stop=lambda: time.monotonic() - started > 0.3)
    assert time.monotonic() - started < 3
