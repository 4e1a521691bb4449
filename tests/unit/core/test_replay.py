"""A replay says what the gate would have said."""

import io
import itertools
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.adapters.recording_file import Recording
from lockgate.core.gate import Gate
from lockgate.core.recording import Census, sample
from lockgate.core.replay import choose, judge
from lockgate.core.samples import GateSpec, Objective, Role, Sample, Verdict

OBJECTIVE = Objective("availability", 0.01, 0.05)
SPEC = GateSpec((OBJECTIVE,), 0.01, 60.0, 20, 2.0, early_pass=False, compare=True)


def stream(outcomes, *, rate=2.0, start=0.0, role=Role.CANDIDATE, name="availability"):
    return [Sample(start + i / rate, role, name, good=good) for i, good in enumerate(outcomes)]


def counted(samples):
    census = Census()
    for one in samples:
        census.add(one)
    return census


def replay(samples, spec=SPEC, *, whole=True):
    return judge(iter(samples), spec, counted(samples), whole=whole)


def directly(samples, spec):
    """Feed a gate as a watch would."""
    gate = Gate(spec)
    now = 0.0
    for one in samples:
        now = max(now, one.t)
        if report := gate.add(one):
            return report
    return gate.look(spec.duration)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 3), st.booleans(), st.sampled_from(list(Role))), max_size=120))
def test_a_replay_agrees_with_the_gate(steps):
    """Whatever was recorded: the same verdict, counts and evidence as the samples fed to a gate by hand."""
    times = itertools.accumulate((gap for gap, _, _ in steps), initial=0.0)
    samples = [Sample(t, role, "availability", good=good) for t, (_, good, role) in zip(times, [(0, True, Role.CANDIDATE), *steps], strict=True)]  # fmt: skip
    spec = GateSpec((OBJECTIVE,), 0.01, max(samples[-1].t, 0.001), 20, 2.0, early_pass=False, compare=True)
    assert replay(samples, SPEC).report == directly(samples, spec)


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(0, 2**40))
def test_the_verdict_does_not_depend_on_when_the_clock_began(outcomes, start):
    """Seconds since the watch began or seconds since 1970: the same verdict, reached in the recording's own time."""
    # Halves of seconds are exact, whatever is added to them.
    here, there = replay(stream(outcomes)), replay(stream(outcomes, start=float(start)))
    assert here.report == there.report
    assert there.reached_at == start + here.reached_at


class Dribble(io.RawIOBase):
    """A pipe that gives as many bytes at a time as it is told."""

    def __init__(self, data, sizes):
        self.data, self.at, self.sizes = data, 0, itertools.cycle(sizes)

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=0):
        assert whence == 0
        self.at = offset
        return offset

    def readinto(self, buffer):
        piece = self.data[self.at : self.at + min(len(buffer), next(self.sizes))]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


@settings(max_examples=30)
@given(st.lists(st.booleans(), max_size=60), st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_the_verdict_does_not_depend_on_how_the_bytes_come(outcomes, sizes):
    """Cut anywhere, the lines are the same."""
    samples = stream(outcomes)
    data = b"".join(
        json.dumps({"t": s.t, "revision": "preview", "indicator": s.indicator, "good": s.good}).encode() + b"\n"
        for s in samples
    )
    recording = Recording("pipe", io.BufferedReader(Dribble(data, sizes), 16), 0)
    read = [one for _, one in recording.samples()]
    assert [(s.t, s.good) for s in read] == [(s.t, s.good) for s in samples]
    assert [one for _, one in recording.samples()] == read, "it can be read twice"
    assert replay(read).report.verdict is replay(samples).report.verdict


def test_a_dead_release_is_failed_when_the_gate_would_have():
    """The time of the verdict is that of the sample that decided, and later ones are not looked at."""
    found = replay(stream([True] * 20 + [False] * 400, start=1000.0))
    assert found.report.verdict is Verdict.FAILED
    assert 1012 <= found.reached_at <= 1020
    assert found.judged < 60


def test_an_empty_recording_is_no_pass():
    """No data is never a pass."""
    found = replay([])
    assert (found.report.verdict, found.judged) == (Verdict.INCONCLUSIVE, 0)
    assert "no data is never a pass" in found.report.message


def test_only_what_was_asked_within_the_duration_counts():
    """A fault after the watch is over is another watch's; one that is written late still counts."""
    healthy, late = stream([True] * 120), [Sample(59.0, Role.CANDIDATE, "availability", good=False)]
    after = stream([False] * 400, start=60.0)
    found = replay([*healthy, *after[:4], *late, *after[4:]], whole=False)
    assert found.report.verdict is Verdict.SUCCESSFUL
    assert (found.report.indicators[0].bad, found.report.indicators[0].total) == (1, 121)
    assert found.reached_at == 60.0


def test_a_recording_that_ends_too_early_is_no_pass():
    """A minute is asked for and half of it was recorded: nobody knows how it went on."""
    found = replay(stream([True] * 60), whole=False)
    assert found.report.verdict is Verdict.INCONCLUSIVE
    assert "the recording ends after 29.5 s, and the watch lasts 60.0 s" in found.report.message
    assert replay(stream([False] * 60), whole=False).report.verdict is Verdict.FAILED


def test_an_outage_of_both_is_an_error():
    """The serving revision's samples are compared."""
    both = [one for pair in zip(stream([False] * 90), stream([False] * 90, role=Role.BASELINE), strict=True) for one in pair]  # fmt: skip
    assert replay(both).report.verdict is Verdict.ERROR


@pytest.mark.parametrize(
    ("names", "asked", "chosen", "left"),
    [
        (["availability"], [], ["availability"], {}),
        (["availability", "latency"], [], ["availability", "latency"], {}),
        (["checkout"], [], ["availability", "latency"], {"checkout": 2}),
        ([], [], ["availability", "latency"], {}),
        (["availability", "checkout"], ["checkout"], ["checkout"], {"availability": 2}),
        (["availability"], ["checkout"], ["checkout"], {"availability": 2}),
    ],
)
def test_what_is_judged(names, asked, chosen, left):
    """What was asked for always; of what is configured, what was recorded; and what nobody judges is told."""
    census = counted([one for name in names for one in stream([True, False], rate=100, name=name)])
    configured = [Objective(name, 0.05, 0.2) for name in ("availability", "latency")]
    objectives, unjudged = choose(census, [Objective(name, 0.01, 0.05) for name in asked], configured)
    assert [o.indicator for o in objectives] == chosen
    assert unjudged == left


def test_memory_does_not_grow_with_the_recording():
    """Eight times as many samples need no more memory."""
    peaks = []
    for count in (1_000, 8_000):
        text = b'{"t": 1, "revision": "preview", "indicator": "availability", "good": true}'
        endless = (sample(text) for _ in range(count))
        census = counted(itertools.repeat(sample(text), 1))
        tracemalloc.start()
        judge(endless, SPEC, census, whole=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 50_000
