"""`lockgate gate` as a person or a script runs it: recorded samples, and live URLs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lockgate.cli import main
from tests import forked
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas" / "result.schema.json").read_text()))
LOCKGATE = [sys.executable, "-m", "lockgate"]
CONFIG = """service: shop
build: {kind: docker}
budgets: {availability: "90%", response: "5s"}
environments:
  staging: {gate: {alpha: "50%", detect: "30%", minimum_samples: 1}}
  production:
    target: {kind: local, port: 8081}
    integration: {command: x}
    gate: {detect: "30%", minimum_samples: 5, probes: [{path: /ready}]}
"""


def environ():
    return {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "LOCKGATE_"))}


def gate(folder, *words, stdin=b""):
    """Run the command; give its exit code, and what it printed as JSON and for a person."""
    done = forked.run(["gate", "--json", *words], cwd=folder, env=environ(), stdin=stdin)
    err = done.stderr
    assert "Traceback" not in err, err
    result = json.loads(done.stdout)
    assert list(SCHEMA.iter_errors(result)) == []
    return done.returncode, result, err


def lines(outcomes, *, rate=2, revision="preview", indicator="availability", start=0.0, **more):
    return [
        json.dumps({"t": start + i / rate, "revision": revision, "indicator": indicator, "good": good, **more})
        for i, good in enumerate(outcomes)
    ]


def written(folder, *streams):
    path = folder / "samples.jsonl"
    every = sorted((one for stream in streams for one in stream), key=lambda one: json.loads(one)["t"])
    path.write_text("".join(one + "\n" for one in every))
    return str(path)


def test_a_healthy_recording_passes(tmp_path):
    """Exit code 0, and the JSON has what a script asks for at its top."""
    code, result, _ = gate(tmp_path, "--replay", written(tmp_path, lines([True] * 600)))
    assert (code, result["verdict"], result["reason_code"]) == (0, "successful", "ok")
    assert result["reached_at"] == 299.5
    (one,) = result["indicators"]
    assert (one["name"], one["bad"], one["total"]) == ("availability", 0, 600)
    assert one["evidence"]


def test_a_bad_recording_fails_when_it_became_clear(tmp_path):
    """Its own exit code, the time, the reason, three examples with what was recorded, and a plot."""
    samples = lines([True] * 100), lines([False] * 100, start=50, status=500, latency=0.004, body="the cache is full")
    code, result, told = gate(tmp_path, "--replay", written(tmp_path, *samples))
    assert (code, result["verdict"], result["reason_code"]) == (80, "failed", "gate_error_status")
    assert 50 < result["reached_at"] < 60
    assert result["indicators"][0]["examples"][0] == "at 50 s: status 500, after 4 ms, the cache is full"
    assert told.count("the cache is full") == 3
    assert "availability" in told
    assert " limit\n" in told


def test_an_outage_of_both_is_an_error(tmp_path):
    """Not the release's fault, and not a pass."""
    file = written(tmp_path, lines([False] * 100), lines([False] * 100, revision="active"))
    code, result, _ = gate(tmp_path, "--replay", file)
    assert (code, result["verdict"], result["reason_code"]) == (81, "error", "gate_could_not_judge")
    assert result["indicators"][0]["baseline_bad"] > 0


@pytest.mark.parametrize("samples", [[], [True] * 5], ids=["empty", "too few"])
def test_too_little_is_inconclusive(tmp_path, samples):
    """No data is never a pass."""
    code, result, _ = gate(tmp_path, "--replay", written(tmp_path, lines(samples)))
    assert (code, result["verdict"], result["reason_code"]) == (82, "inconclusive", "gate_inconclusive")
    assert "no data is never a pass" in result["message"]
    assert (result["reached_at"] is None) == (not samples)


def test_the_same_samples_have_the_same_verdict_from_a_pipe(tmp_path):
    """Also where the pipe cuts the lines anywhere."""
    file = written(tmp_path, lines([True] * 60), lines([False] * 60, start=30))
    _, from_file, _ = gate(tmp_path, "--replay", file)
    with subprocess.Popen(
        [*LOCKGATE, "gate", "--json", "--replay", "-"], cwd=tmp_path, env=environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        data = Path(file).read_bytes()
        for at in range(0, len(data), 777):
            process.stdin.write(data[at : at + 777])
            process.stdin.flush()
        out, _ = process.communicate(timeout=60)
    from_pipe = json.loads(out)
    assert process.returncode == 80
    for key in ("verdict", "reached_at", "reason_code", "indicators"):
        assert from_pipe[key] == from_file[key]
    with Path(file).open("rb") as redirected:
        done = subprocess.run([*LOCKGATE, "gate", "--json", "--replay", "-"], cwd=tmp_path, env=environ(), stdin=redirected, capture_output=True, timeout=60, check=False)  # fmt: skip
    assert json.loads(done.stdout)["indicators"] == from_file["indicators"]


def test_the_configured_objectives_judge(tmp_path):
    """Those of the named environment, else of the last; what the command line says comes before."""
    (tmp_path / "lockgate.yml").write_text(CONFIG)
    few_bad = written(tmp_path, lines(([True] * 24 + [False]) * 8))
    code, result, told = gate(tmp_path, "--replay", few_bad)
    assert (code, result["environment"]) == (0, "production")
    assert "availability 90 % by production's settings" in told
    assert gate(tmp_path, "--replay", few_bad, "--objective", "availability=99.9%")[0] == 80
    _, staging, _ = gate(tmp_path, "--replay", few_bad, "--environment", "staging")
    assert staging["environment"] == "staging"
    assert staging["data"]["log10_limit"] == pytest.approx(0.301, abs=0.001)
    _, strict, _ = gate(tmp_path, "--replay", few_bad, "--alpha", "0.001")
    assert strict["data"]["log10_limit"] == 3.0
    assert gate(tmp_path, "--replay", few_bad, "--environment", "prod")[0] == 13


def test_any_indicator_can_be_judged_by_name(tmp_path):
    """What nobody judges is said; what was asked for and not recorded is no pass."""
    file = written(tmp_path, lines([True] * 100), lines([False] * 100, indicator="checkout"))
    code, result, told = gate(tmp_path, "--replay", file)
    assert (code, result["data"]["not_judged"]) == (0, {"checkout": 100})
    assert "checkout: 100 samples are not judged" in told
    code, result, _ = gate(tmp_path, "--replay", file, "--objective", "checkout=95%", "--objective", "availability=99%")
    assert (code, result["reason_code"]) == (80, "gate_bad_samples")
    assert gate(tmp_path, "--replay", file, "--objective", "search=95%")[0] == 82


def test_the_numbers_can_be_tried(tmp_path):
    """Span, samples and duration change the verdict as docs/replay.md says."""
    burst = written(tmp_path, lines([True] * 100), lines([False] * 10, start=20, rate=10))
    assert gate(tmp_path, "--replay", burst, "--minimum-span", "100ms")[0] == 80
    assert gate(tmp_path, "--replay", burst, "--minimum-span", "10s")[0] != 80
    assert gate(tmp_path, "--replay", burst, "--duration", "15")[0] == 0
    assert gate(tmp_path, "--replay", burst, "--duration", "15s", "--minimum-samples", "31")[0] == 82
    code, result, _ = gate(tmp_path, "--replay", written(tmp_path, lines([True] * 100)), "--duration", "5m")
    assert (code, "the recording ends after 49.5 s" in result["message"]) == (82, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}\n", 'line 2: no "t", "revision", "indicator", "good"'),
        ("not json\n", "line 2: not JSON: not json"),
        ('{"t": 1, "rev', "line 2: not JSON"),
        ('{"t": NaN, "revision": "preview", "indicator": "a", "good": true}\n', 'line 2: "t" must be'),
        ('\n\n{"t": 1, "revision": "old", "indicator": "a", "good": true}\n', 'line 4: "revision" must be'),
        ("x" * 70_000 + "\n", "line 2: longer than 65,536 bytes"),
        ("\x1b]0;owned\x07::error::x\n", "line 2: not JSON"),
    ],
)
def test_bad_input_names_its_line(tmp_path, monkeypatch, capsys, text, words):
    """The file, the line, what is wrong and how a line looks; nothing is judged before all lines are read."""
    monkeypatch.chdir(tmp_path)
    Path("samples.jsonl").write_text(lines([True])[0] + "\n" + text)
    code = main(["gate", "--json", "--replay", "samples.jsonl"])
    out, told = capsys.readouterr()
    result = json.loads(out)
    assert (code, result["decision"], result["reason_code"]) == (15, "error", "samples_unreadable")
    assert list(SCHEMA.iter_errors(result)) == []
    assert f"samples.jsonl, {words}" in told
    assert '"revision": "preview"' in told
    assert "\x1b" not in told
    assert "verdict" not in result


def test_an_unsorted_recording_is_refused_and_a_late_answer_is_not(tmp_path):
    """A file that was put together the wrong way round would be judged wrongly."""
    file = tmp_path / "samples.jsonl"
    file.write_text("\n".join([*lines([True] * 60, start=10), *lines([True], start=5)]))
    assert gate(tmp_path, "--replay", str(file))[0] == 0
    file.write_text("\n".join(lines([True] * 200)[::-1]))
    code, _, told = gate(tmp_path, "--replay", str(file))
    assert code == 15
    assert "line 122: " in told
    assert "in order of time" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "either --replay FILE or a URL"),
        (["--replay", "x.jsonl", "http://127.0.0.1:1"], "either --replay FILE or a URL"),
        (["--replay", "x.jsonl", "--rate", "4"], "--rate is for a live URL"),
        (["--replay", "x.jsonl", "--objective", "99%"], "expected --objective NAME=SHARE"),
        (["--replay", "x.jsonl", "--objective", "a=100%"], "less than 100 %"),
        (["--replay", "x.jsonl", "--objective", "a=nan"], "less than 100 %"),
        (["--replay", "x.jsonl", "--objective", "a=b"], "expected a share like 99%"),
        (["--replay", "x.jsonl", "--alpha", "0"], "more than 0 %"),
        (["--replay", "x.jsonl", "--duration", "soon"], "expected a duration"),
        (["--replay", "x.jsonl", "--duration", "0s"], "longer than 0"),
        (["--replay", "x.jsonl", "--minimum-samples", "2.5"], "must be a number from 1"),
        (["http://127.0.0.1:1", "--record", "no/folder.jsonl"], "cannot be written"),
        (["http://127.0.0.1:1", "--rate", "fast"], "--rate must be a number"),
        (["http://127.0.0.1:1", "--path", "health"], '--path must begin with "/"'),
        (["http://127.0.0.1:1", "--objective", "checkout=99%"], 'no indicator "checkout"'),
        (["ftp://127.0.0.1"], "expected a URL"),
        (["http://[::1"], "expected a URL"),
        (["http://127.0.0.1:1?a=b"], "expected a URL"),
    ],
)
def test_a_command_line_that_is_off_says_how(tmp_path, monkeypatch, capsys, words, told):
    """Usage errors have exit code 2 and a sentence."""
    monkeypatch.chdir(tmp_path)
    assert main(["gate", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_file_that_cannot_be_read_or_written_is_an_error(tmp_path, monkeypatch):
    """Missing, a folder; and a plot that has no place."""
    file = written(tmp_path, lines([True] * 50))
    monkeypatch.chdir(tmp_path)
    assert main(["gate", "--replay", "nowhere.jsonl"]) == 15
    assert main(["gate", "--replay", "."]) == 15
    assert main(["gate", "--replay", file, "--svg", "no/folder.svg"]) == 2
    assert main(["gate", "--replay", file, "--config", "other.yml"]) == 10


def test_the_plot_is_written(tmp_path):
    """A file that a browser opens."""
    gate(tmp_path, "--replay", written(tmp_path, lines([False] * 50)), "--svg", str(tmp_path / "plot.svg"))
    assert ET.parse(tmp_path / "plot.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own


def test_nothing_is_left_in_the_folder(tmp_path):
    """Judging history changes nothing."""
    before = written(tmp_path, lines([True] * 50))
    gate(tmp_path, "--replay", before)
    assert [str(path) for path in tmp_path.iterdir()] == [before]


@contextmanager
def service(answer):
    """Serve 127.0.0.1 while the block runs; `answer(path)` gives status and body."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def good(_path):
    return 200, b"{}"


def test_a_live_url_that_is_healthy_passes(tmp_path):
    """Asked at the configured probes, for the whole time, at the rate."""
    (tmp_path / "lockgate.yml").write_text(CONFIG)
    with service(good) as (url, asked):
        code, result, _ = gate(tmp_path, url, "--duration", "2s", "--rate", "20")
    assert (code, result["verdict"], result["url"]) == (0, "successful", url)
    assert 2.0 <= result["reached_at"] < 10
    assert set(asked) == {"/ready"}
    assert 10 <= len(asked) <= 42


def test_a_live_url_that_fails_is_shown(tmp_path):
    """Its own path, compared with the one that serves, and three answers as they were."""
    with service(lambda path: (500, b"the database is away " + path.encode())) as (bad, _), service(good) as (old, _):
        code, result, told = gate(
            tmp_path, bad + "/", "--baseline", old, "--path", "/health", "--duration", "20s", "--minimum-span", "200ms"
        )
    assert (code, result["verdict"], result["reason_code"]) == (80, "failed", "gate_error_status")
    assert "expected status 200; status 500 after" in told
    assert "the database is away /health" in told
    assert result["indicators"][0]["baseline_total"] > 0


def test_a_live_watch_can_be_recorded_and_replayed(tmp_path):
    """The same samples, the same verdict and reason; and with another promise, another verdict."""
    file = tmp_path / "samples.jsonl"
    with service(lambda _: (500, b"down")) as (bad, _), service(good) as (old, _):
        words = "--record", str(file), "--duration", "20s", "--minimum-span", "200ms"
        _, live, _ = gate(tmp_path, bad, "--baseline", old, *words)
    code, again, _ = gate(tmp_path, "--replay", str(file), "--duration", "20s", "--minimum-span", "200ms")
    assert (code, again["verdict"], again["reason_code"]) == (80, live["verdict"], "gate_error_status")
    assert "status 500" in again["indicators"][0]["examples"][0]
    assert {json.loads(one)["revision"] for one in file.read_text().splitlines()} == {"preview", "active"}
    assert gate(tmp_path, "--replay", str(file), "--minimum-samples", "1000", "--minimum-span", "1h")[0] == 82


def test_nobody_there_is_a_failure_with_that_reason(tmp_path):
    """No answer is not no data."""
    code, result, _ = gate(tmp_path, f"http://127.0.0.1:{free_port()}", "--duration", "20s", "--minimum-span", "200ms")
    assert (code, result["reason_code"]) == (80, "gate_no_answer")


def test_ctrl_c_tells_what_is_known(tmp_path):
    """No pass and no failure: inconclusive, with the samples so far, and the exit code of an interruption."""
    with service(good) as (url, asked):
        process = subprocess.Popen(
            [*LOCKGATE, "gate", "--json", url, "--duration", "60s", "--rate", "40"], cwd=tmp_path, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while len(asked) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    result = json.loads(out)
    assert list(SCHEMA.iter_errors(result)) == []
    assert (process.returncode, result["verdict"], result["reason_code"]) == (130, "inconclusive", "interrupted")
    assert result["indicators"][0]["total"] > 0
    assert "stopped by SIGINT" in err.decode()


MANY = """service: shop
build: {kind: docker}
budgets: {availability: "90%", response: "5s"}
environments:
  production:
    gate:
      detect: "50%"
      minimum_samples: 3
      minimum_span: "200ms"
      rate: 10
      probes:
        - {path: /ready, body: "{*}"}
        - {kind: security-headers, timeout: 5s}
        - {kind: command, command: 'test -n "$LOCKGATE_URL" && exit 3', interval: 300ms, timeout: 5s}
        - {kind: metric, url: "METRICS", query: 'up{v="$version"}', good: "== 1", interval: 500ms}
"""


def test_every_indicator_is_judged_recorded_and_replayed(tmp_path):
    """Each kind of probe is a stream of its own with its own promise; the recording holds them all."""
    file = tmp_path / "samples.jsonl"
    with service(good) as (url, _):
        (tmp_path / "lockgate.yml").write_text(MANY.replace("METRICS", url))
        code, live, told = gate(tmp_path, url, "--record", str(file), "--duration", "3s", "--alpha", "10%")
    assert code == 80, told
    found = {one["name"]: one for one in live["indicators"]}
    assert list(found) == ["availability", "latency", "security_headers", "command", "metric"]
    assert found["availability"]["bad"] == 0
    assert found["metric"]["total"] == 0, "a metric that knows nothing is no sample"
    assert live["reason_code"] in {"gate_insecure_headers", "gate_command_failed"}
    assert "no Strict-Transport-Security; no Content-Security-Policy" in found["security_headers"]["examples"][0]
    code, again, _ = gate(tmp_path, "--replay", str(file), "--alpha", "10%")
    assert (code, again["verdict"], again["reason_code"]) == (80, "failed", live["reason_code"])
