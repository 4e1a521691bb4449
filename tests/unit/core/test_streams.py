"""Which probes a watch asks, and what their indicators can show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.config import Budgets, GateConfig
from lockgate.core.gate import Gate
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.samples import GateSpec, Role, Sample, Verdict
from lockgate.core.streams import asked, objectives, streams

HTTP, READY = ProbeConfig("/"), ProbeConfig("/ready")
SOCKET, TLS = ProbeConfig("/ws", kind=ProbeKind.WEBSOCKET), ProbeConfig(kind=ProbeKind.TLS, url="https://x.example")
COMMAND = ProbeConfig(kind=ProbeKind.COMMAND, command="true")
METRIC = ProbeConfig(kind=ProbeKind.METRIC, url="https://p.example", query="up", good="== 1")


def test_probes_of_one_indicator_share_its_rate():
    """An indicator gets `gate.rate` samples a second, whatever number of probes feeds it."""
    found = list(streams(GateConfig(probes=(HTTP, READY, SOCKET), rate=5.0), live=True))
    assert [(each.probe, each.period, each.phase) for each in found] == [
        (HTTP, 0.4, 0.0),
        (READY, 0.4, 0.2),
        (SOCKET, 0.2, 0.0),
    ]


def test_before_the_first_traffic_only_the_revision_itself_is_asked():
    """What users see, and what a metric says of them, is the serving revision's then."""
    gate = GateConfig(probes=(HTTP, TLS, COMMAND, METRIC))
    assert asked(gate, live=False) == [HTTP, COMMAND]
    assert [o.indicator for o in objectives(gate, Budgets(), live=False, duration=60)] == [
        "availability",
        "latency",
        "command",
    ]
    assert [o.indicator for o in objectives(gate, Budgets(), live=True, duration=60)][2:] == [
        "tls",
        "command",
        "metric",
    ]


def test_one_http_probe_has_the_objectives_it_always_had():
    """Availability by its budget and the configured detection, latency by its percentile."""
    first, second = objectives(GateConfig(), Budgets(), live=True, duration=60)
    assert (first.indicator, first.limit, first.detect, first.minimum_samples) == ("availability", 0.001, 0.05, None)
    assert (second.indicator, second.limit, second.detect) == ("latency", 0.05, 0.2)


@pytest.mark.parametrize("duration", [10.0, 20.0, 60.0, 600.0])
@pytest.mark.parametrize("interval", [1.0, 5.0, 15.0, 30.0])
def test_a_scarce_indicator_can_pass_in_every_watch(duration, interval):
    """All good samples, few as they are, are a pass by the end; a third of them bad never pass before promotion."""
    probe = ProbeConfig(kind=ProbeKind.COMMAND, command="x", interval=interval)
    chosen = objectives(GateConfig(probes=(probe,)), Budgets(), live=False, duration=duration)
    spec = GateSpec(chosen, 0.0025, duration, 20, 2.0, early_pass=True, compare=False)
    gate, t, report = Gate(spec), 0.0, None
    while t < duration:
        gate.add(Sample(t, Role.CANDIDATE, "command", good=True))
        report = report or gate.look(max(t, 2.0) if t else 0.0)
        t += interval
    assert (report or gate.look(duration)).verdict is Verdict.SUCCESSFUL


@pytest.mark.parametrize("interval", [5.0, 15.0, 30.0])
def test_a_page_that_is_asked_at_intervals_can_pass(interval):
    """Its speed is as scarce as its availability, and held to what so few answers can show."""
    gate = GateConfig(probes=(ProbeConfig("/", interval=interval),))
    spec = GateSpec(objectives(gate, Budgets(), live=False, duration=90.0), 0.0025, 90.0, 20, 2.0, True, compare=False)
    watch = Gate(spec)
    for number in range(int(90 / interval)):
        for indicator in ("availability", "latency"):
            watch.add(Sample(number * interval, Role.CANDIDATE, indicator, good=True))
    assert [o.indicator for o in spec.objectives] == ["availability", "latency"]
    assert watch.look(90.0).verdict is Verdict.SUCCESSFUL


@pytest.mark.parametrize("interval", [1.0, 5.0, 15.0])
def test_a_scarce_indicator_that_is_always_bad_fails(interval):
    """A certificate that ended is found in a bake, by a handful of samples."""
    probe = ProbeConfig(kind=ProbeKind.COMMAND, command="x", interval=interval)
    chosen = objectives(GateConfig(probes=(probe,)), Budgets(), live=True, duration=60)
    gate = Gate(GateSpec(chosen, 0.0025, 60.0, 20, 2.0, early_pass=False, compare=False))
    reports = [gate.add(Sample(n * interval, Role.CANDIDATE, "command", good=False)) for n in range(int(60 / interval))]
    assert any(report and report.verdict is Verdict.FAILED for report in reports)


def test_no_data_is_no_pass_and_says_why():
    """A question that told nothing is no sample; the report has the last reason."""
    chosen = objectives(GateConfig(probes=(METRIC,)), Budgets(), live=True, duration=60)
    gate = Gate(GateSpec(chosen, 0.0025, 60.0, 20, 2.0, early_pass=False, compare=False))
    for _ in range(4):
        gate.skip(Role.CANDIDATE, "metric", "no value")
    report = gate.look(60.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "4 questions told nothing: no value" in report.message


@given(st.floats(0.001, 0.999), st.floats(0.2, 60), st.floats(0, 600), st.floats(0.1, 100), st.floats(0.001, 0.999))
def test_an_objective_always_makes_sense(promised, interval, duration, rate, detect):
    """What must be detected is worse than what may be, and a pass is possible."""
    probe = ProbeConfig(kind=ProbeKind.COMMAND, command="x", interval=interval, objective=promised)
    (found,) = objectives(
        GateConfig(probes=(probe,), rate=rate, detect=detect), Budgets(), live=True, duration=duration
    )
    assert 0 < found.limit < found.detect < 1
    assert 1 <= found.minimum_samples <= 20
