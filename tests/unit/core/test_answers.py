"""What makes an HTTP answer good, and what a person reads where it is not."""

import pytest

from lockgate.core.answers import Answer, fault_of, outcome, version_of
from lockgate.core.config import VersionConfig
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.samples import Fault, Role

GOOD = Answer(0.012, 200, {"content-type": "application/json", "x-version": "7"}, b'{"status": "ok", "v": {"n": [7]}}')
PROBE = ProbeConfig("/health", 200, {"status": "ok"})


def test_a_good_answer_has_no_fault():
    """Status and every named JSON value are as expected."""
    assert fault_of(GOOD, PROBE) is None
    assert fault_of(GOOD, ProbeConfig("/", json={"v.n.0": 7})) is None


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        (Answer(2.0, error="timed out after 2 s"), Fault.NO_ANSWER, "no answer after 2000 ms: timed out"),
        (Answer(0.1, 503, {}, b"away"), Fault.ERROR_STATUS, "expected status 200; status 503 after 100 ms: away"),
        (Answer(0.1, 200, {"content-type": "text/html"}, b"<p>"), Fault.WRONG_ANSWER, "expected JSON, got text/html"),
        (Answer(0.1, 200, {}, b"[" * 100_000), Fault.WRONG_ANSWER, "expected JSON"),
        (Answer(0.1, 200, {}, b"{}"), Fault.WRONG_ANSWER, 'no "status"'),
        (Answer(0.1, 200, {}, b'{"status": "down"}'), Fault.WRONG_ANSWER, 'status is "down", expected "ok"'),
        (Answer(0.1, 200, {}, b'{"status": true}'), Fault.WRONG_ANSWER, "status is true"),
    ],
)
def test_each_fault_is_named_and_shown(answer, fault, words):
    """The kind of fault, and what was seen."""
    found, detail = fault_of(answer, PROBE)
    assert found is fault
    assert words in detail


def test_one_is_not_true():
    """JSON's 1 and true are different values, though Python calls them equal."""
    assert fault_of(Answer(0, 200, {}, b'{"ready": 1}'), ProbeConfig("/", json={"ready": True})) is not None


def test_a_hostile_body_is_shown_harmless():
    """Control characters and workflow commands do not reach a log, and a long body is cut."""
    answer = Answer(0.1, 500, {}, b"\x1b[2J##[error]gotcha\r\n" + b"x" * 5000)
    assert "\x1b" not in answer.seen
    assert "##[" not in answer.seen
    assert len(answer.seen) < 300


def test_the_version_is_found_in_header_or_body():
    """By header, by JSON path, or not at all."""
    assert version_of(GOOD, VersionConfig(header="X-Version")) == "7"
    assert version_of(GOOD, VersionConfig(json="v.n.0")) == "7"
    assert version_of(GOOD, VersionConfig(json="nowhere")) is None
    assert version_of(GOOD, VersionConfig()) is None
    assert version_of(Answer(1, error="reset"), VersionConfig(header="X-Version")) is None
    assert version_of(Answer(1, error="reset"), VersionConfig(json="v")) is None


def take(answer, **extra):
    return list(outcome(answer, PROBE, budget=0.2).samples(Role.CANDIDATE, 1.0, **extra))


def test_a_good_answer_is_one_sample_for_each_indicator():
    """Available, and quick enough."""
    assert [(s.indicator, s.good) for s in take(GOOD)] == [("availability", True), ("latency", True)]


def test_a_slow_answer_is_available_and_late():
    """Late is a fault of its own."""
    late = take(Answer(0.5, 200, {}, GOOD.body))
    assert [(s.indicator, s.good, s.fault) for s in late][1] == ("latency", False, Fault.TOO_SLOW)
    assert "slower than 200 ms" in late[1].detail


def test_a_bad_answer_says_nothing_about_speed():
    """A quick error is not a quick answer."""
    (only,) = take(Answer(0.001, 500))
    assert (only.indicator, only.good, only.fault) == ("availability", False, Fault.ERROR_STATUS)


def test_an_answer_of_another_version_is_wrong():
    """However good it looks: the gate must know whom it judges."""
    (only,) = take(GOOD, wrong_version='version "6" answered')
    assert (only.good, only.fault) == (False, Fault.WRONG_ANSWER)
