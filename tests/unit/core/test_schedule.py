"""Questions are due by the clock alone."""

from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.schedule import STALLED, Schedule


@given(
    st.lists(st.tuples(st.floats(0.05, 5), st.floats(0, 5)), min_size=1, max_size=5),
    st.lists(st.floats(0.001, STALLED / 2), max_size=60),
)
def test_every_question_is_due_once_and_in_order(streams, steps):
    """However the looks at the clock fall, as long as the asker never sleeps: none is lost, none is early."""
    schedule = Schedule()
    for name, (period, phase) in enumerate(streams):
        schedule.add(name, period=period, phase=phase)
    t, asked = 0.0, []
    for step in steps:
        t += step
        asked += schedule.due(t)
        assert schedule.next > t
    assert [when for when, _ in asked] == sorted(when for when, _ in asked)
    for name, (period, phase) in enumerate(streams):
        mine = [when for when, each in asked if each == name]
        assert all(abs(when - (phase + number * period)) < 1e-6 for number, when in enumerate(mine))
        periods = (t - phase) / period
        on_the_edge = abs(periods - round(periods)) < 1e-6  # a rounding decides whether that one is due
        assert on_the_edge or len(mine) == (int(periods) + 1 if periods >= 0 else 0)
    assert schedule.left_out == 0


def test_an_asker_that_slept_asks_once_and_says_what_it_left_out():
    """A minute of sleep at ten a second is not made up for by a burst of six hundred."""
    schedule = Schedule()
    schedule.add("x", period=0.1)
    assert len(list(schedule.due(0.0))) == 1
    assert len(list(schedule.due(60.05))) == 1
    assert schedule.left_out == 599
    assert 60.05 < schedule.next < 60.2


def test_nothing_is_ever_due_where_there_is_nothing():
    """An empty schedule waits for ever."""
    assert Schedule().next == float("inf")
