"""One verdict from several findings."""

import itertools

import pytest

from lockgate.core.gate import Gate
from lockgate.core.samples import GateSpec, Objective, Role, Sample, Verdict
from lockgate.core.verdict import PRECEDENCE, VERDICTS, Finding, combine

SETS = [set(some) for size in range(len(Finding) + 1) for some in itertools.combinations(Finding, size)]


@pytest.mark.parametrize("found", SETS, ids=lambda found: "+".join(sorted(found)) or "none")
def test_every_combination_has_the_verdict_of_the_rules(found):
    """All 32 sets of findings, each against the rules as a person would say them."""
    verdict = combine(found)
    if Finding.FAULTY in found:
        assert verdict is Verdict.FAILED, "proof against the release stands on its own"
    elif Finding.SHARED in found:
        assert verdict is Verdict.ERROR, "more time does not mend a broken vantage point"
    elif found & {Finding.MISSING, Finding.UNCLEAR}:
        assert verdict is Verdict.INCONCLUSIVE
    else:
        assert verdict is (Verdict.SUCCESSFUL if found else Verdict.INCONCLUSIVE), "no data is never a pass"


def test_a_pass_needs_every_indicator():
    """Only health, and nothing else, is a pass."""
    assert [found for found in SETS if combine(found) is Verdict.SUCCESSFUL] == [{Finding.HEALTHY}]


def test_order_and_number_do_not_matter():
    """The verdict is that of the set of findings."""
    for pair in itertools.permutations(Finding, 2):
        assert combine(pair) is combine(reversed(pair)) is combine(pair * 3)


def test_the_tables_are_whole():
    """Every finding has a verdict, and every verdict a place in the order."""
    assert set(VERDICTS) == set(Finding)
    assert sorted(PRECEDENCE) == sorted(Verdict)
    assert set(VERDICTS.values()) == set(Verdict)


@pytest.mark.parametrize("shared_first", [True, False])
def test_the_gate_keeps_the_order_whichever_indicator_comes_first(shared_first):
    """An outage of both revisions on one indicator does not clear the release of what it does on another."""
    names = ("both", "mine") if shared_first else ("mine", "both")
    objectives = tuple(Objective(name, 0.01, 0.05) for name in names)
    # The evidence is complete at once, when the minimum span is: so both indicators are decided by the same sample.
    gate = Gate(GateSpec(objectives, 0.01, 60.0, 20, 2.0, early_pass=False, compare=True))
    report = None
    for t in (0.0, *([0.5] * 50), 2.0):
        gate.add(Sample(t, Role.BASELINE, "both", good=False))
        for name in ("both", "mine") if t < 2.0 else ("both",):
            report = gate.add(Sample(t, Role.CANDIDATE, name, good=False)) or report
        if t == 2.0:
            assert report.verdict is Verdict.ERROR, "nothing against it alone yet"
            report = gate.add(Sample(t, Role.CANDIDATE, "mine", good=False))
    assert report.verdict is Verdict.FAILED
    assert report.message.startswith("mine:")


def test_what_is_known_so_far_decides_nothing():
    """A progress report has the counts and is not a pass."""
    gate = Gate(GateSpec((Objective("a", 0.01, 0.05),), 0.01, 60.0, 20, 2.0, early_pass=False, compare=False))
    gate.add(Sample(0.0, Role.CANDIDATE, "a", good=True))
    report = gate.so_far(1.0)
    assert (report.verdict, report.indicators[0].total, report.seconds) == (Verdict.INCONCLUSIVE, 1, 1.0)
