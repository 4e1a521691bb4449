"""The promises of the sequential tests, held by simulation with fixed seeds and by property."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core.sequential import AT_ONCE, LATER, Comparison, RateTest, alternatives

LIMIT = math.log(1 / 0.01)


def first_failure(rng, *, p, p0, rate, seconds, burst=0.0):
    """Give the second in which evidence reaches 1 / 0.01, or None."""
    test = RateTest(p0, burst)
    for i in range(int(rate * seconds)):
        bad = rng.random() < p
        test.add(good=not bad, t=i / rate)
        if bad and test.log_evidence() >= LIMIT:
            return i / rate
    return None


@pytest.mark.uncounted
@pytest.mark.parametrize(("p0", "burst"), [(0.001, 0.0), (0.005, 0.0), (0.05, 0.0), (0.005, 2.0)])
def test_a_healthy_stream_is_failed_at_most_once_in_a_hundred_watches(p0, burst):
    """At the edge of the null, looked at after every bad sample, false failures stay below alpha."""
    rng = random.Random(20261123)
    failed = sum(first_failure(rng, p=p0, p0=p0, rate=2, seconds=300, burst=burst) is not None for _ in range(200))
    # 200 watches at alpha = 1 %: more than 7 failures would have a chance below 0.2 %; `bench.gates` runs thousands.
    assert failed <= 7


@pytest.mark.parametrize(("p", "within"), [(1.0, 1.0), (0.2, 8.0), (0.05, 30.0)])
def test_a_bad_stream_is_failed_quickly(p, within):
    """At 2 samples a second a dead release is seen within a second, and smaller faults in proportion."""
    rng = random.Random(7)
    times = [first_failure(rng, p=p, p0=0.001, rate=2, seconds=600) for _ in range(100)]
    assert all(t is not None for t in times)
    assert sum(times) / len(times) <= within


@pytest.mark.uncounted
@pytest.mark.parametrize("p", [0.05, 0.2])
def test_a_fault_is_found_within_one_and_a_half_of_what_is_possible(p):
    """Wald: no test that fails the healthy 1 time in 100 needs fewer than log(100) / KL(p || p0) samples on average."""
    rng = random.Random(1)
    bound = LIMIT / (p * math.log(p / 0.005) + (1 - p) * math.log((1 - p) / 0.995))
    samples = [1 + first_failure(rng, p=p, p0=0.005, rate=1, seconds=3600) for _ in range(600)]
    assert bound <= sum(samples) / len(samples) <= 1.5 * bound


def test_a_fault_that_begins_late_is_not_drowned_by_the_good_past():
    """After 5 minutes of good samples at 20/s, a 20 % fault is found within 60 samples."""
    test = RateTest(0.001)
    rng = random.Random(3)
    for i in range(6000):
        test.add(good=True, t=i / 20)
    needed = 0
    while test.log_evidence() < LIMIT:
        test.add(good=rng.random() >= 0.2, t=300 + needed / 20)
        needed += 1
    assert needed <= 60


def evidence_after(p0, burst, times, outcomes):
    test = RateTest(p0, burst)
    for t, good in zip(times, outcomes, strict=True):
        test.add(good=good, t=t)
    return test.log_evidence()


@given(
    st.floats(0.0005, 0.4),
    st.floats(0.01, 1.0),
    st.sampled_from([0.0, 0.3, 2.0]),
    st.lists(st.tuples(st.booleans(), st.floats(-0.5, 3.0)), max_size=12),
    st.floats(-0.5, 20.0),
)
def test_evidence_is_fair_under_the_null(p0, part, burst, prefix, gap):
    """Given any past, irregular and late times too, one more sample at or below the null lets nobody expect more."""
    times, t = [], 1.0
    for _, step in prefix:
        t = max(0.0, t + step)
        times.append(t)
    past = [good for good, _ in prefix]
    now = evidence_after(p0, burst, times, past)
    p = part * p0
    last = max(0.0, t + gap)
    branches = [
        math.log(chance) + evidence_after(p0, burst, [*times, last], [*past, good])
        for good, chance in ((True, 1 - p), (False, p))
    ]
    expected = max(branches) + math.log(sum(math.exp(b - max(branches)) for b in branches))
    assert expected <= now + 1e-9


@settings(max_examples=15)
@given(st.floats(0.001, 0.3), st.lists(st.booleans(), min_size=1, max_size=40))
def test_evidence_is_the_average_over_alternatives_and_onsets(p0, outcomes):
    """The running sums give what the definition gives: weights times likelihood ratios since each onset."""
    bads = [i for i, good in enumerate(outcomes) if not good]
    total = (1 - AT_ONCE) * LATER / (LATER + len(bads))
    for alternative in alternatives(p0):
        ratios = [math.exp(alternative.log_good if good else alternative.log_bad) for good in outcomes]
        total += AT_ONCE * alternative.weight * math.prod(ratios)
        for k, bad in enumerate(bads, start=1):
            part = (1 - AT_ONCE) * LATER / ((LATER + k - 1) * (LATER + k))
            total += part * alternative.weight * math.prod(ratios[bad + 1 :])
    assert evidence_after(p0, 0.0, range(len(outcomes)), outcomes) == pytest.approx(math.log(total), abs=1e-9)


def test_a_burst_is_one_bad_sample():
    """What happens within the burst time after a bad sample that counted is left out, good and bad alike."""
    burst, single = RateTest(0.01, 2.0), RateTest(0.01, 2.0)
    for test in (burst, single):
        test.add(good=True, t=0.0)
        test.add(good=False, t=1.0)
    for i in range(1, 40):
        burst.add(good=i % 3 == 0, t=1 + i / 20)
    assert burst.log_evidence() == single.log_evidence()
    assert (burst.events, burst.bad, burst.total) == (1, 27, 41)
    assert burst.log_evidence_unsparing() > LIMIT > burst.log_evidence()
    burst.add(good=False, t=3.0)
    assert burst.events == 2
    assert burst.log_evidence_unsparing() == burst.log_evidence()


@pytest.mark.uncounted
@pytest.mark.parametrize("burst", [0.0, 2.0])
def test_samples_may_be_counted_together(burst):
    """A hundred alike at one time are the same as one hundred times one."""
    one, many = RateTest(0.01, burst), RateTest(0.01, burst)
    for good in (True, False, True, False):
        many.add(good=good, t=5.0, count=100)
        for _ in range(100):
            one.add(good=good, t=5.0)
    assert (one.bad, one.total, one.events) == (many.bad, many.total, many.events)
    assert one.log_evidence() == pytest.approx(many.log_evidence(), rel=1e-12)
    assert one.log_evidence_unsparing() == pytest.approx(many.log_evidence_unsparing(), rel=1e-12)


@pytest.mark.uncounted
def test_a_million_samples_one_by_one_leave_no_trace_of_rounding():
    """After a million additions the evidence is that of its definition, to nine digits."""
    test = RateTest(0.001)
    for i in range(1_000_000):
        test.add(good=i % 800 != 0, t=i)
    terms = [math.log((1 - AT_ONCE) * LATER / (LATER + 1250))]
    for each in alternatives(0.001):
        terms.append(math.log(AT_ONCE * each.weight) + 1250 * each.log_bad + 998_750 * each.log_good)
        for k in range(1, 1251):
            part = (1 - AT_ONCE) * LATER / ((LATER + k - 1) * (LATER + k))
            since = (1250 - k) * each.log_bad + (1251 - k) * 799 * each.log_good
            terms.append(math.log(part * each.weight) + since)
    top = max(terms)
    exact = top + math.log(math.fsum(math.exp(term - top) for term in terms))
    assert test.log_evidence() == pytest.approx(exact, rel=1e-9)


@pytest.mark.uncounted
def test_ten_million_samples_are_judged_without_loss():
    """Ten million at the objective are no evidence; then a tenth more bad than allowed is found, and nothing overflows."""
    test = RateTest(0.001)
    for i in range(10_000):
        test.add(good=True, t=i * 100.0, count=999)
        test.add(good=False, t=i * 100.0 + 50)
    assert (test.bad, test.total) == (10_000, 10_000_000)
    assert test.log_evidence() < 0
    for i in range(11_000):
        test.add(good=True, t=1_000_000 + i * 100.0, count=899)
        test.add(good=False, t=1_000_050 + i * 100.0)
    assert LIMIT < test.log_evidence() < math.inf


@given(st.floats(1e-9, 1 - 1e-9))
def test_alternatives_lie_above_the_limit_and_weigh_one(limit):
    """Only bad rates above the objective are bet on, with the whole stake."""
    found = alternatives(limit)
    assert all(a.log_good < 0 < a.log_bad for a in found)
    assert [a.rate for a in found] == sorted(a.rate for a in found)
    assert all(limit < a.rate <= 1 for a in found)
    assert math.fsum(a.weight for a in found) == pytest.approx(1)


@pytest.mark.parametrize("limit", [0, 1, -0.1, 1.5])
def test_a_limit_outside_zero_and_one_is_refused(limit):
    """A limit that no stream can break, or every one breaks, is a mistake."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        RateTest(limit)


def test_acceptance_needs_detect_above_the_limit():
    """There is nothing to tell apart where the two rates are equal."""
    with pytest.raises(ValueError, match="must be above"):
        RateTest(0.05).log_acceptance(0.05)


@pytest.mark.uncounted
def test_a_stream_as_bad_as_detect_seldom_passes():
    """Wald's bound: at most 5 % of the streams at p1 ever reach the accepting limit."""
    rng = random.Random(5)
    passed = 0
    for _ in range(400):
        test = RateTest(0.001)
        for _ in range(200):
            good = rng.random() >= 0.05
            test.add(good=good, t=0)
            if good and test.log_acceptance(0.05) >= math.log(20):
                passed += 1
                break
    assert passed <= 30


@pytest.mark.uncounted
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
