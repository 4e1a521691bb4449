"""The promises of the sequential tests, held by simulation with fixed seeds and by property."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.sequential import ALTERNATIVES, Comparison, RateTest, alternatives

LIMIT = math.log(1 / 0.01)


def first_failure(rng, *, p, p0, rate, seconds):
    """Give the second in which evidence reaches 1 / 0.01, or None."""
    test = RateTest(p0, seconds)
    for i in range(int(rate * seconds)):
        bad = rng.random() < p
        test.add(good=not bad, t=i / rate)
        if bad and test.log_evidence() >= LIMIT:
            return i / rate
    return None


@pytest.mark.parametrize("p0", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("rate", [0.2, 2, 20])
def test_a_healthy_stream_is_failed_at_most_once_in_a_hundred_watches(p0, rate):
    """At the edge of the null, looked at after every sample, the false-failure rate stays below alpha."""
    rng = random.Random(20261123)
    seconds = 3000 / rate / 10
    failed = sum(first_failure(rng, p=p0, p0=p0, rate=rate, seconds=seconds) is not None for _ in range(400))
    # 400 watches at alpha = 1 %: more than 10 failures would have a chance below 0.3 %.
    assert failed <= 10


@pytest.mark.parametrize(("p", "within"), [(1.0, 1.0), (0.2, 12.0), (0.05, 60.0)])
def test_a_bad_stream_is_failed_quickly(p, within):
    """At 2 samples a second a dead release is seen within a second, and smaller faults in proportion."""
    rng = random.Random(7)
    times = [first_failure(rng, p=p, p0=0.001, rate=2, seconds=600) for _ in range(100)]
    assert all(t is not None for t in times)
    assert sum(times) / len(times) <= within


def test_a_fault_that_begins_late_is_not_drowned_by_the_good_past():
    """After 50 s of good samples at 20/s, a 20 % fault is found as fast as one that was there from the start, nearly."""
    test = RateTest(0.001, 60)
    rng = random.Random(3)
    for i in range(1000):
        test.add(good=True, t=i / 20)
    needed = 0
    while test.log_evidence() < LIMIT:
        test.add(good=rng.random() >= 0.2, t=50 + needed / 20)
        needed += 1
    assert needed <= 60


@given(st.floats(0.0005, 0.4), st.lists(st.booleans(), max_size=12))
def test_evidence_is_fair_under_the_null(p0, prefix):
    """Given any past, the expected evidence after one more sample at the null is not above the evidence now."""
    test = RateTest(p0, 10)
    for i, good in enumerate(prefix):
        test.add(good=good, t=i * 0.1)
    now = test.log_evidence()
    t = len(prefix) * 0.1
    branches = []
    for good, chance in ((True, 1 - p0), (False, p0)):
        branch = RateTest(p0, 10)
        for i, was in enumerate(prefix):
            branch.add(good=was, t=i * 0.1)
        branch.add(good=good, t=t)
        branches.append(math.log(chance) + branch.log_evidence())
    expected = max(branches) + math.log(sum(math.exp(b - max(branches)) for b in branches))
    assert expected <= now + 1e-9


def test_ten_million_samples_are_counted_without_loss():
    """Counts are integers and the evidence is a sum of logarithms, so nothing drifts or overflows."""
    test = RateTest(0.001, 1)
    test.add(good=True, t=0)
    test.bad, test.total = 10_000, 10_000_000
    for counts in test._open:
        counts[0], counts[1] = 10_000, 10_000_000
    assert math.isfinite(test.log_evidence())
    assert test.log_evidence() < 0


@given(st.floats(0.0001, 0.5))
def test_alternatives_lie_above_the_limit_and_grow(limit):
    """Only bad rates above the objective are bet on."""
    grid = alternatives(limit)
    assert len(grid) == ALTERNATIVES
    assert all(limit < a < 1 for a in grid)
    assert list(grid) == sorted(set(grid))


@pytest.mark.parametrize("limit", [0, 1, -0.1, 1.5])
def test_a_limit_outside_zero_and_one_is_refused(limit):
    """A limit that no stream can break, or every one breaks, is a mistake."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        RateTest(limit, 10)


def test_acceptance_needs_detect_above_the_limit():
    """There is nothing to tell apart where the two rates are equal."""
    with pytest.raises(ValueError, match="must be above"):
        RateTest(0.05, 10).log_acceptance(0.05)


def test_a_stream_as_bad_as_detect_seldom_passes():
    """Wald's bound: at most 5 % of the streams at p1 ever reach the accepting limit."""
    rng = random.Random(5)
    passed = 0
    for _ in range(400):
        test = RateTest(0.001, 100)
        for i in range(1000):
            test.add(good=rng.random() >= 0.05, t=i / 10)
            if test.log_acceptance(0.05) >= math.log(20):
                passed += 1
                break
    assert passed <= 30


def test_equal_revisions_are_told_apart_at_most_once_in_a_hundred():
    """When a bad sample is as often one's as the other's, the comparison stays below its limit."""
    rng = random.Random(11)
    failed = 0
    for _ in range(400):
        comparison = Comparison()
        for _ in range(300):
            comparison.add(of_new=rng.random() < 0.5, share=0.5)
            if comparison.log_evidence() >= LIMIT:
                failed += 1
                break
    assert failed <= 10


def test_bad_samples_of_the_new_revision_alone_are_its_own():
    """A dozen bad samples, all the new revision's, are enough."""
    comparison = Comparison()
    for _ in range(12):
        comparison.add(of_new=True, share=0.5)
    assert comparison.log_evidence() >= LIMIT
    assert (comparison.bad_new, comparison.bad_old) == (12, 0)


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_nothing_or_everything_compares_nothing(share):
    """Where only one revision is sampled there is no comparison."""
    with pytest.raises(ValueError, match="share"):
        Comparison().add(of_new=True, share=share)
