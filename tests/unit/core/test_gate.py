"""The gate's verdicts: what passes, what fails, and what is neither."""

import pytest

from lockgate.core.gate import Gate
from lockgate.core.reasons import Reason
from lockgate.core.samples import Fault, GateSpec, Objective, Role, Sample, Verdict


def spec(**changes):
    values = {
        "objectives": (Objective("availability", 0.001, 0.05),),
        "alpha": 0.01,
        "duration": 60.0,
        "minimum_samples": 20,
        "minimum_span": 2.0,
        "early_pass": False,
        "compare": False,
    }
    return GateSpec(**{**values, **changes})


def feed(gate, t, *, good, role=Role.CANDIDATE, fault=Fault.ERROR_STATUS, indicator="availability"):
    return gate.add(
        Sample(t, role, indicator, good, None if good else fault, 0.01 if good else None, "" if good else "500")
    )


def run(gate, outcomes, *, rate=2.0, role=Role.CANDIDATE, **extra):
    """Feed outcomes at a steady rate; give the first report."""
    for i, good in enumerate(outcomes):
        t = i / rate
        if report := feed(gate, t, good=good, role=role, **extra) or gate.look(t):
            return report
    return None


def test_a_dead_release_fails_within_three_seconds_at_two_samples_a_second():
    """The first bad samples decide, as soon as they span the minimum time."""
    report = run(Gate(spec()), [False] * 20)
    assert report.verdict is Verdict.FAILED
    assert report.reason is Reason.GATE_ERROR_STATUS
    assert report.seconds <= 3.0
    assert "availability" in report.message


def test_a_burst_shorter_than_the_minimum_span_alone_fails_nobody():
    """Ten bad samples within half a second are one event, however much evidence they are."""
    gate = Gate(spec())
    assert all(feed(gate, i * 0.05, good=False) is None for i in range(10))


def test_a_burst_that_is_over_is_one_bad_sample_and_no_obstacle():
    """A second of nothing but errors, in the middle of a watch or a moment before its end, still lets it pass."""
    for start in (20.0, 57.0):
        gate = Gate(spec())
        times = [i / 10 for i in range(600)]
        assert all(feed(gate, t, good=not start <= t < start + 1) is None for t in times)
        assert gate.look(60.0).verdict is Verdict.SUCCESSFUL


def test_isolated_errors_after_a_burst_do_not_complete_it():
    """What a burst was worth is not added to by single bad samples later."""
    gate = Gate(spec())
    assert all(feed(gate, i / 20, good=False) is None for i in range(20))
    assert all(feed(gate, 1 + i / 20, good=i % 400 != 399) is None for i in range(1, 1000))


def test_no_release_fails_by_a_single_bad_sample():
    """However strict the objective, and without a minimum span too."""
    gate = Gate(spec(objectives=(Objective("availability", 0.000_01, 0.05),), minimum_span=0.0))
    assert feed(gate, 0.0, good=False) is None
    assert feed(gate, 0.5, good=False).verdict is Verdict.FAILED


def test_a_healthy_release_passes_early_before_promotion():
    """Good samples alone pass once Wald's test, the minimum count and the minimum span agree."""
    report = run(Gate(spec(early_pass=True)), [True] * 200, rate=20.0)
    assert report.verdict is Verdict.SUCCESSFUL
    assert 2.0 <= report.seconds < 10


def test_a_bake_lasts_its_full_time():
    """However good the samples, a bake is not cut short."""
    gate = Gate(spec(duration=30.0))
    assert run(gate, [True] * 59) is None
    assert gate.look(30.0).verdict is Verdict.SUCCESSFUL


def test_no_data_is_never_a_pass():
    """A watch without samples, or with too few, is inconclusive and says so."""
    silent = Gate(spec()).look(60.0)
    assert (silent.verdict, silent.reason) == (Verdict.INCONCLUSIVE, Reason.GATE_INCONCLUSIVE)
    assert "no data is never a pass" in silent.message


def test_neither_good_nor_bad_enough_is_inconclusive():
    """Before promotion, time running out without a clear pass is not a pass."""
    gate = Gate(spec(early_pass=True, duration=15.0))
    assert run(gate, [True] * 29) is None
    report = gate.look(15.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "more time or a higher rate" in report.message


def test_a_fault_that_hits_both_is_not_the_releases_fault():
    """Where the serving revision is as bad, the gate could not judge, and says why."""
    gate = Gate(spec(compare=True))
    report = None
    for i in range(200):
        report = feed(gate, i / 2, good=False, role=Role.BASELINE) or feed(gate, i / 2, good=False)
        if report:
            break
    assert (report.verdict, report.reason) == (Verdict.ERROR, Reason.GATE_COULD_NOT_JUDGE)
    assert "both stand on" in report.message


def test_a_release_worse_than_a_bad_baseline_still_fails():
    """A single bad sample of the serving revision does not shield a release that fails all the time."""
    gate = Gate(spec(compare=True))
    feed(gate, 0.0, good=False, role=Role.BASELINE)
    report = None
    for i in range(1, 200):
        feed(gate, i / 2, good=True, role=Role.BASELINE)
        report = feed(gate, i / 2, good=False)
        if report:
            break
    assert report.verdict is Verdict.FAILED


def test_bunched_bad_samples_at_the_end_are_not_a_pass_either():
    """Evidence that is too bunched to fail is too much to pass."""
    gate = Gate(spec(duration=10.0))
    run(gate, [True] * 18)
    for i in range(10):
        feed(gate, 9.5 + i * 0.01, good=False)
    report = gate.look(10.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "too bunched" in report.message


@pytest.mark.parametrize("fault", list(Fault))
def test_the_reason_is_how_most_samples_were_bad(fault):
    """The reason code tells an operator where to look first."""
    report = run(Gate(spec()), [False] * 20, fault=fault)
    assert report.reason.value == fault.value


def test_the_report_shows_the_evidence():
    """Counts, three examples, the evidence over time and its limit, and the latency are all there, as JSON too."""
    gate = Gate(spec(objectives=(Objective("availability", 0.001, 0.05), Objective("latency", 0.05, 0.2))))
    for i in range(30):
        feed(gate, i * 0.1, good=True)
        gate.add(Sample(i * 0.1, Role.CANDIDATE, "latency", good=True))
    report = None
    for i in range(50):
        report = report or feed(gate, 3 + i * 0.1, good=False)
    data = report.to_dict()
    availability = data["indicators"][0]
    assert data["verdict"] == "failed"
    assert availability["examples"] == ["500", "500", "500"]
    assert availability["evidence"][-1][1] >= data["log10_limit"]
    assert 0.0099 <= data["p95"] <= 0.0103


def test_the_trace_stays_bounded():
    """A long noisy watch keeps at most some hundreds of points."""
    gate = Gate(spec(minimum_span=1e9, duration=1e6))
    for i in range(5000):
        feed(gate, i / 10, good=i % 2 == 0)
    report = gate.look(1e6)
    assert len(report.trace["availability"]) <= 480
