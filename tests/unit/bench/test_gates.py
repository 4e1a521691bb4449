"""The simulation of gates judges as the gate does, and as the rules it compares with are documented."""

import math
import random
import statistics
from functools import partial

import pytest

from bench.gates import early, tuned
from bench.gates.compare import ALONE, BAD_RATES, DEFAULT, RATES, Comparison
from bench.gates.kayenta import Kayenta, is_high
from bench.gates.measure import Cell, Outcome, measure
from bench.gates.mixtures import beta
from bench.gates.rules import ALPHA, KnownRate, Sequential, Threshold, bound
from bench.gates.streams import HEALTHY, Stream, bursty, late, steady
from bench.gates.text import Table, times
from lockgate.core.gate import Gate
from lockgate.core.samples import Fault, GateSpec, Objective, Role, Sample, Verdict


def stream_of(bads, *, rate=1.0, seconds=600.0):
    return Stream(rate, seconds, iter(bads), random.Random(0))


def gate_fails_at(stream, span):
    """Feed the real gate, one sample after the other."""
    spec = GateSpec((Objective("x", HEALTHY, 0.5),), ALPHA, stream.seconds, 1, span, early_pass=False, compare=False)
    gate, bads = Gate(spec), set(stream.bads)
    for index in range(stream.samples):
        good = index not in bads
        fault = None if good else Fault.ERROR_STATUS
        report = gate.add(Sample(stream.time(index), Role.CANDIDATE, "x", good, fault))
        if report is not None:
            assert report.verdict is Verdict.FAILED
            return stream.time(index)
    return None


@pytest.mark.parametrize("span", [0.0, 2.0])
@pytest.mark.parametrize("rate", [0.2, 2.0, 20.0])
def test_the_simulated_rule_is_the_gate(rate, span):
    """It fails the same streams at the same sample, though it feeds good samples together."""
    for seed in range(4):
        for make in (lambda rng: steady(rng, rate, 120, 0.04), lambda rng: bursty(rng, rate, 120, 1.0, 0.5)):
            streams = [make(random.Random(seed)) for _ in range(2)]
            assert Sequential("", span).fails_at(streams[0]) == gate_fails_at(streams[1], span)


def test_streams_hold_the_bad_rate_they_are_asked_for():
    """Independent, late and bursty ones alike."""
    rng = random.Random(1)
    assert sum(1 for _ in steady(rng, 20, 10_000, 0.02).bads) == pytest.approx(4000, rel=0.1)
    assert list(steady(rng, 2, 3, 1.0).bads) == [0, 1, 2, 3, 4, 5]
    bads = list(late(rng, 20, 1000, 0.2, 500).bads)
    assert sum(bad >= 10_000 for bad in bads) == pytest.approx(2000, rel=0.1)
    assert sum(bad < 10_000 for bad in bads) == pytest.approx(50, rel=0.5)
    for density in (1.0, 0.5):
        counts = [sum(1 for _ in bursty(rng, 20, 10_000, 0.5, density).bads) for _ in range(5)]
        assert statistics.fmean(counts) == pytest.approx(1000, rel=0.25)


def test_a_threshold_acts_on_the_measurement_that_is_one_too_many():
    """Two minutes below 99 % fail; a tick later where it acts late; enough good minutes end the watch."""
    bads = [5, 65, 125]
    assert Threshold("", 60, 0.99, 2).fails_at(stream_of(bads)) == 120
    assert Threshold("", 60, 0.99, 2, ticks_late=1).fails_at(stream_of(bads)) == 180
    assert Threshold("", 60, 0.99, 2, passes=1).fails_at(stream_of([5, 185])) is None
    assert Threshold("", 60, 0.98, 1).fails_at(stream_of(bads)) is None
    assert Threshold("", 60, 0.99, 2, ticks_late=1).fails_at(stream_of(bads, seconds=120)) is None


def test_the_tuned_rules_are_trained_by_what_they_do():
    """All candidates at once give what each gives alone."""
    for bad in (0.02, 0.2):
        found = tuned._all_fail_at(steady(random.Random(4), 2, 1800, bad))
        alone = [rule.fails_at(steady(random.Random(4), 2, 1800, bad)) for rule in tuned.CANDIDATES]
        assert found == alone


def test_the_judge_passes_seven_of_ten_minutes_at_a_hundredfold():
    """The step that kayenta's issue 780 reports: 7 of 10 pass, 8 of 10 do not."""
    control = [1.0] * 10
    high = [is_high(control, [1.0] * (10 - bad) + [100.0] * bad) for bad in range(11)]
    assert high == [False] * 8 + [True] * 3


def test_the_judge_judges_after_an_hour():
    """Not before, and a release that is much worse is seen."""
    assert Kayenta().fails_at(steady(random.Random(1), 2, 1800, 1.0)) is None
    assert Kayenta().fails_at(steady(random.Random(1), 2, 3600, 0.2)) == 3600
    assert Kayenta().fails_at(steady(random.Random(1), 2, 3600, HEALTHY)) is None


@pytest.mark.parametrize(("bad", "total"), [(0, 0), (0, 5000), (3, 40), (50, 1000)])
def test_the_beta_mixture_is_the_integral_it_stands_for(bad, total):
    """The incomplete beta function gives what summing over the alternatives gives."""
    steps, weights, logs = 20_000, [], []
    for i in range(steps):
        x = (i + 0.5) / steps
        p = HEALTHY + (1 - HEALTHY) * x**3
        weights.append(p**-0.5 * (1 - p) ** 3.5 * x**2)
        logs.append(bad * math.log(p / HEALTHY) + (total - bad) * math.log((1 - p) / (1 - HEALTHY)))
    top = max(logs)
    summed = math.fsum(w * math.exp(log - top) for w, log in zip(weights, logs, strict=True)) / math.fsum(weights)
    assert beta(bad, total) == pytest.approx(top + math.log(summed), abs=1e-4)


def test_the_beta_mixture_does_not_break_at_ten_million():
    """It is finite on both sides of the objective."""
    assert beta(40_000, 10_000_000) < 0 < beta(60_000, 10_000_000) < math.inf


def test_the_bound_is_walds():
    """log(100) nats at the divergence of 5 % from 0.5 %; never less than one sample."""
    assert bound(0.05) == pytest.approx(64.7, abs=0.1)
    assert bound(1.0) == 1
    assert KnownRate(1.0).fails_at(stream_of([0, 1])) == 1
    assert KnownRate(1.0).fails_at(stream_of([1, 2])) is None


def test_outcomes_are_summed_up_with_those_that_never_came():
    """A stream that was not failed counts with its length, and the table says so."""
    outcome = Outcome((10.0, None, 20.0, 30.0), 100.0)
    assert (outcome.share, outcome.mean) == (0.75, 40.0)
    assert (outcome.quantile(0.5), outcome.quantile(0.95)) == (30.0, None)
    assert outcome.after(15.0).times == (None, 5.0, 15.0)
    assert times(outcome) == "> 40 / 30.0 / - (75%)"
    assert times(Outcome((None,), 1.0)) == "never"


def test_the_same_seed_gives_the_same_numbers():
    """Whatever core a cell lands on, and whichever rule is to judge the streams."""
    maker = partial(steady, rate=2.0, seconds=300.0, bad_rate=0.05)
    cells = [Cell(Sequential(""), maker, 5), Cell(Sequential("another name"), maker, 5)]
    first, other = measure(cells, 1), measure(cells, 2)
    assert first == measure(cells, 1)
    assert first[0] == first[1]
    assert first[0] != other[0]


def test_a_promise_that_is_broken_is_named():
    """Too many false failures, too long a time to fail, and a dead release that lives on."""
    good = {
        (rule.name, rate, bad): Outcome((bound(bad) / rate,) * 100, 3600.0)
        for rule in (DEFAULT, ALONE)
        for rate in RATES
        for bad in BAD_RATES
    }
    good |= {(rule.name, rate, HEALTHY): Outcome((None,) * 100, 1800.0) for rule in (DEFAULT, ALONE) for rate in RATES}
    assert Comparison(good, 100).broken_promises() == []
    bad = good | {
        (DEFAULT.name, 2.0, HEALTHY): Outcome((1.0,) * 50 + (None,) * 50, 1800.0),
        (ALONE.name, 20.0, 0.2): Outcome((2.0,) * 100, 3600.0),
        (DEFAULT.name, 2.0, 1.0): Outcome((3.5,), 3600.0),
    }
    assert len(Comparison(bad, 100).broken_promises()) == 3


def test_a_healthy_release_without_a_pass_is_counted_where_validate_accepts_the_watch():
    """The watches that are refused give no pass to many; too many of an accepted one is a broken promise."""
    found = early.early(1, 20)
    assert early.broken_promises(found) == []
    refused = [one for one in found if not one.watch.accepted]
    assert all(one.share(Verdict.SUCCESSFUL) == 0 for one in refused if one.watch.rate == 1)
    assert all(one.share(Verdict.SUCCESSFUL) > 0.8 for one in found if one.watch.accepted)
    worse = early.Passed(found[0].watch, (Verdict.INCONCLUSIVE,) * 20 + (Verdict.SUCCESSFUL,) * 80, (12.0,) * 80)
    assert early.broken_promises([worse]) == ["20.0% of healthy releases got no pass in 90 s at 5 samples/s"]
    assert early.early_table([worse]).rows == (("99.9%", "5", "90 s", "yes", "0.0%", "20.0%", "12.0 / 12.0"),)


def test_a_table_is_markdown():
    """With a title, a rule under the header, and columns that line up."""
    lines = Table("T", ("a", "b"), (("1", "22"),)).markdown().splitlines()
    assert lines == ["**T**", "", "| a | b  |", "|---|----|", "| 1 | 22 |"]
