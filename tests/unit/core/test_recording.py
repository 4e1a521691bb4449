"""What a line of a recording means, and what it may not say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.reasons import Reason
from lockgate.core.recording import LATE, NAME_LIMIT, Census, NotASampleError, line, sample
from lockgate.core.samples import Fault, Role, Sample

GOOD = {"t": 1.5, "revision": "preview", "indicator": "availability", "good": True}


def text_of(**changes):
    return json.dumps({**GOOD, **changes}).encode()


def at(t, name="availability", role=Role.CANDIDATE):
    return Sample(t, role, name, good=True)


def test_a_line_is_a_sample():
    """Time, whose, which indicator, good or bad; the preview is the one that is judged."""
    assert sample(text_of()) == Sample(1.5, Role.CANDIDATE, "availability", good=True)
    assert sample(text_of(revision="active", t=3)).role is Role.BASELINE


def test_what_else_a_line_says_is_shown():
    """Status, latency and body make an example; keys that nobody knows are no matter."""
    bad = sample(text_of(good=False, status=503, latency=0.012, body="the cache\n is full", region="eu"))
    assert bad.detail == "at 1.5 s: status 503, after 12 ms, the cache is full"
    assert (bad.fault, bad.latency) == (Fault.ERROR_STATUS, 0.012)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, Reason.GATE_BAD_SAMPLES),
        ({"status": 200}, Reason.GATE_BAD_SAMPLES),
        ({"status": 500}, Reason.GATE_ERROR_STATUS),
        ({"indicator": "latency"}, Reason.GATE_TOO_SLOW),
    ],
)
def test_a_reason_is_given_only_where_the_recording_has_one(changes, reason):
    """Bad is all that a sample must say; more is not made up."""
    assert sample(text_of(good=False, **changes)).fault.value == reason.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"9" * 5000, "not JSON"),
        (b"[1]", "expected an object with t, revision, indicator, good, got a list"),
        (b"null", "got null"),
        (b"3", "got a number"),
        (b'{"t": 1, "indicator": "a"}', 'no "revision", "good"'),
        (text_of(t="1"), '"t" must be a number of seconds, at least 0, not "1"'),
        (text_of(t=True), '"t" must be'),
        (text_of(t=None), '"t" must be'),
        (text_of(t=-0.1), "not -0.1"),
        (text_of(t=float("nan")), "not NaN"),
        (text_of(t=float("inf")), "not Infinity"),
        (text_of(t=10**400), '"t" must be'),
        (text_of(t={"a": 1}), "not an object"),
        (text_of(revision="canary"), '"revision" must be "preview" or "active", not "canary"'),
        (text_of(revision=["preview"]), "not a list"),
        (text_of(indicator=""), '"indicator" must be a name'),
        (text_of(indicator="a" * (NAME_LIMIT + 1)), '"indicator" must be a name'),
        (text_of(indicator="a\n::error::b"), '"indicator" must be a name'),
        (b'{"t": 1, "revision": "preview", "indicator": "\\ud800", "good": true}', '"indicator" must be a name'),
        (text_of(good=1), '"good" must be true or false, not 1'),
        (text_of(good="yes"), 'not "yes"'),
    ],
)
def test_what_is_no_sample_is_refused_with_the_reason(text, words):
    """Each mistake has its own words, and they can be printed."""
    with pytest.raises(NotASampleError) as refused:
        sample(text)
    assert words in str(refused.value)
    assert str(refused.value).encode().decode().isprintable()


@given(st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["t", "revision", "indicator", "good", "x"]), inner)).map(lambda found: json.dumps(found).encode()))  # fmt: skip
def test_whatever_a_line_holds_it_is_a_sample_or_refused(text):
    """No input ends in another error."""
    try:
        found = sample(text)
    except NotASampleError:
        return
    assert found.t >= 0


@pytest.mark.parametrize("key", ["status", "latency", "body", "detail"])
@pytest.mark.parametrize("value", [None, [1], {"a": 1}, True, -1, float("nan"), "\ud800\x1b[2J", "x" * 5000])
def test_odd_values_beside_the_four_are_not_believed(key, value):
    """They are no reason to refuse a recording, and cannot harm who reads it."""
    text = sample(text_of(good=False, **{key: value})).detail
    assert text.encode().decode().isprintable()
    assert len(text) < 250


@given(st.floats(0, 1e6), st.sampled_from(list(Role)), st.sampled_from(list(Fault)) | st.none(), st.floats(0, 10) | st.none(), st.text())  # fmt: skip
def test_what_is_written_can_be_read_back(t, role, fault, latency, detail):
    """A watch that is recorded is judged alike when it is replayed."""
    detail = detail.encode(errors="replace").decode()
    written = Sample(round(t, 6), role, "availability", fault is None, fault, latency and round(latency, 6), detail if fault else "")  # fmt: skip
    text = line(written)
    assert text.endswith("}\n")
    assert text.count("\n") == 1
    read = sample(text.encode())
    assert (read.t, read.role, read.good, read.fault, read.latency) == (written.t, role, written.good, fault, written.latency)  # fmt: skip


def test_a_census_counts():
    """How many, from when to when, of what."""
    census = Census()
    for one in (at(5), at(7, "latency"), at(6, role=Role.BASELINE), at(9)):
        census.add(one)
    assert (census.samples, census.span, census.indicators) == (4, 4, ["availability", "latency"])
    assert census.has_baseline
    assert Census().span == 0


def test_a_sample_may_come_late_but_not_very():
    """An answer is written when it comes, with the time of its question; an unsorted file is another thing."""
    census = Census()
    census.add(at(100))
    census.add(at(100 - LATE))
    with pytest.raises(NotASampleError, match=r"goes back from 100 to 39\.9"):
        census.add(at(99.9 - LATE))


def test_the_number_of_indicators_is_bounded():
    """Every request with an indicator of its own would fill the memory."""
    census = Census()
    for number in range(2 * NAME_LIMIT):
        census.add(at(1, f"i{number}"))
    with pytest.raises(NotASampleError, match="more than 100 indicators"):
        census.add(at(1, "one more"))
