"""When a watch passes a healthy revision: held against the test itself, sample by sample."""

import pytest

from lockgate.core import passing
from lockgate.core.config import Budgets, GateConfig
from lockgate.core.gate import Gate
from lockgate.core.passing import enough, fewest, soonest
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.samples import GateSpec, Objective, Role, Sample, Verdict
from lockgate.core.sequential import RateTest
from lockgate.core.streams import feeding, objectives

HTTP, RARE = ProbeConfig("/"), ProbeConfig("/", interval=5.0)
SOCKET = ProbeConfig("/ws", kind=ProbeKind.WEBSOCKET, objective=0.99)
COMMAND = ProbeConfig(kind=ProbeKind.COMMAND, command="true")


def passes(objective, samples, bad):
    """Whether Wald's test passes so many samples, as a gate asks it."""
    test = RateTest(objective.limit)
    test.add(good=True, t=0.0, count=samples - bad)
    test.add(good=False, t=0.0, count=bad)
    return test.log_acceptance(objective.detect) >= 2.995732273553991  # log 20: one in twenty bad ones is missed


def chances_of_no_pass(objective, samples):
    """The chance that one with just the bad rate of its objective has not passed after 1, 2, ... samples."""
    waiting, told, borne = {0: 1.0}, [], -1
    for n in range(1, samples + 1):
        later: dict[int, float] = {}
        for bad, chance in waiting.items():
            later[bad] = later.get(bad, 0.0) + chance * (1 - objective.limit)
            later[bad + 1] = later.get(bad + 1, 0.0) + chance * objective.limit
        while borne < n and passes(objective, n, borne + 1):
            borne += 1
        waiting = {bad: chance for bad, chance in later.items() if chance > 1e-12 and bad > borne}
        told.append(sum(waiting.values()))
    return told


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.0001])
@pytest.mark.parametrize(("limit", "detect"), [(0.001, 0.05), (0.01, 0.05), (0.05, 0.2), (0.1, 0.325), (0.001, 0.3)])
def test_a_healthy_revision_passes_within_what_is_called_enough_and_not_before(limit, detect, alpha):
    """It is the first sample after which the chance of no pass, looked at after each, is at most alpha."""
    objective = Objective("availability", limit, detect)
    found = enough(objective, alpha)
    told = chances_of_no_pass(objective, found.samples)
    assert told[-1] <= alpha * (1 + 1e-9)
    assert all(chance > alpha for chance in told[:-1])
    assert passes(objective, found.samples, found.bad)
    assert not passes(objective, found.samples, found.bad + 1)


@pytest.mark.parametrize(("limit", "detect"), [(0.01, 0.05), (0.05, 0.2), (0.02, 0.05), (0.3, 0.4)])
def test_where_many_bad_samples_are_borne_the_number_is_on_the_safe_side(monkeypatch, limit, detect):
    """The bound that then stands for the exact chance asks for more, and for less than twice as much."""
    objective = Objective("availability", limit, detect)
    exact = enough(objective, 0.01)
    monkeypatch.setattr(passing, "_MOST_BAD", 0)
    bound = enough(objective, 0.01)
    assert exact.samples < bound.samples < 2 * exact.samples
    assert passes(objective, bound.samples, bound.bad)


@pytest.mark.parametrize(
    ("gate", "seconds"),
    [
        (GateConfig(), 11.8),
        (GateConfig(rate=40.0), 2.0),
        (GateConfig(rate=40.0, minimum_span=0.0), 1.475),
        (GateConfig(minimum_samples=100), 19.8),
        (GateConfig(probes=(HTTP, ProbeConfig("/b"), ProbeConfig("/c"))), 11.8),
        (GateConfig(probes=(HTTP, SOCKET)), 14.4),
        (GateConfig(rate=20.0, probes=(HTTP, COMMAND)), 10.0),
        (GateConfig(probes=(RARE,)), 10.0),
    ],
)
def test_the_soonest_pass_is_the_one_that_a_gate_gives_to_good_answers(gate, seconds):
    """Every question answered well at once: the gate passes at that moment, and not at the question before."""
    assert soonest(gate, Budgets()) == pytest.approx(seconds)
    chosen = objectives(gate, Budgets(), live=False, duration=gate.pre_promotion)
    spec = GateSpec(chosen, 0.0025, gate.pre_promotion, gate.minimum_samples, gate.minimum_span, True, compare=False)
    judge, dues = Gate(spec), []
    for objective in chosen:
        for stream in feeding(gate, objective.indicator, live=False):
            dues += [(stream.phase + n * stream.period, objective.indicator) for n in range(2000)]
    passed = None
    for t, indicator in sorted(due for due in dues if due[0] < gate.pre_promotion):
        judge.add(Sample(t, Role.CANDIDATE, indicator, good=True))
        passed = judge.look(t)
        if passed:
            break
    assert passed is not None
    assert passed.verdict is Verdict.SUCCESSFUL
    assert passed.seconds == pytest.approx(seconds, abs=1 / gate.rate if seconds == gate.minimum_span else 1e-6)


def test_fewest_is_of_good_samples_alone():
    """At 99.9 % and 5 % that is 60: less than one in twenty bad revisions shows so many."""
    assert fewest(Objective("availability", 0.001, 0.05)) == 60
    assert 0.95**60 < 0.05 * 0.999**60 < 0.95**59
