"""Freeze windows and holds, also where clocks are turned."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core.config import FreezeConfig
from lockgate.core.freeze import DAYS, Frozen, frozen, held_until, weekly

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = FreezeConfig(weekly="Fri 16:00 - Mon 08:00", reason="nobody is there")
ZONES = [UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), timezone(timedelta(hours=-11))]


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T14:59", None),
        ("2026-11-20T15:00", "2026-11-23T07:00"),
        ("2026-11-23T06:59", "2026-11-23T07:00"),
        ("2026-11-23T07:00", None),
        # Summer time ends on Sunday, 25 October 2026: the window is an hour longer in UTC.
        ("2026-10-23T14:00", "2026-10-26T07:00"),
        # It begins on Sunday, 29 March 2026.
        ("2026-03-27T15:00", "2026-03-30T06:00"),
    ],
)
def test_a_weekend_in_berlin(now, until):
    """It is read from the clock on the wall, on both sides of summer time."""
    expected = Frozen(utc(until), "nobody is there") if until else None
    assert frozen([(WEEKEND, BERLIN)], utc(now)) == expected


def test_a_last_day_is_frozen_to_its_end():
    """`end: 2027-01-03` means that day, too; with a time it means that minute."""
    days = FreezeConfig(start="2026-12-20", end="2027-01-03", reason="x")
    assert frozen([(days, UTC)], utc("2026-12-19T23:59")) is None
    assert frozen([(days, UTC)], utc("2027-01-03T23:59")).until == utc("2027-01-04T00:00")
    assert frozen([(days, UTC)], utc("2027-01-04T00:00")) is None
    timed = FreezeConfig(start="2026-12-20T09:00", end="2027-01-03T08:00", reason="x")
    assert frozen([(timed, UTC)], utc("2027-01-03T08:00")) is None


def test_a_time_that_comes_twice_is_frozen_twice():
    """An end at 02:30 in the night in which 02:30 comes twice is the second one: never shorter than it reads."""
    night = FreezeConfig(start="2026-10-24", end="2026-10-25T02:30", reason="x")
    assert frozen([(night, BERLIN)], utc("2026-10-25T01:29"))
    assert not frozen([(night, BERLIN)], utc("2026-10-25T01:30"))


def test_of_several_the_longest_is_told():
    """The person who waits is told when all of them are over."""
    long = FreezeConfig(start="2026-11-01", end="2026-11-30", reason="audit")
    assert frozen([(WEEKEND, BERLIN), (long, UTC)], utc("2026-11-21T12:00")).reason == "audit"


EARLY, LATE = (datetime.fromisoformat(f"{year}-01-01") for year in (2024, 2030))
POINTS = st.builds(lambda day, minute: (day, minute), st.sampled_from(DAYS), st.integers(0, 24 * 60 - 1))


def written(point):
    return f"{point[0]} {point[1] // 60:02}:{point[1] % 60:02}"


def minute_of_week(point):
    return DAYS.index(point[0]) * 24 * 60 + point[1]


@settings(max_examples=200)
@given(POINTS, POINTS, st.sampled_from(ZONES), st.datetimes(EARLY, LATE))
def test_what_the_clock_on_the_wall_shows_is_frozen(start, end, zone, wall):
    """Whenever the wall clock shows a time of the window, it is frozen; outside, it is not, but for a turned hour."""
    if start == end:
        return
    window = FreezeConfig(weekly=f"{written(start)} - {written(end)}", reason="x")
    now = wall.replace(tzinfo=UTC)
    found = frozen([(window, zone)], now)
    shown = now.astimezone(zone)
    minute = shown.weekday() * 24 * 60 + shown.hour * 60 + shown.minute
    week = 7 * 24 * 60
    inside = (minute - minute_of_week(start)) % week < (minute_of_week(end) - minute_of_week(start)) % week
    if inside:
        assert found
        assert now < found.until <= now + timedelta(days=7, hours=2)
    offsets = {(now + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in (-3, 0, 3)}
    if not inside and len(offsets) == 1:
        assert not found


@pytest.mark.parametrize(
    "text", ["", "Fri 16:00", "Fri 24:00 - Mon 08:00", "fri 16:00 - Mon 08:00", "Fri 16:00 - Fri 16:00"]
)
def test_what_is_no_span_of_the_week_is_refused(text):
    """With what was expected."""
    with pytest.raises(ValueError, match="expected"):
        weekly(text)


@pytest.mark.parametrize(
    ("endings", "held"),
    [
        ([], False),
        (["deployed"], False),
        (["rolled_back"], True),
        (["broken", "deployed"], True),
        (["aborted", "in_progress", "rolled_back"], True),
        (["deployed", "rolled_back"], False),
    ],
)
def test_a_hold_follows_a_failure_until_something_was_deployed(endings, held):
    """What was aborted changed nothing; a release that a person got through ends the hold."""
    until = held_until([(outcome, "2026-11-20T12:00:00+00:00") for outcome in endings], 3600)
    assert until == (utc("2026-11-20T13:00") if held else None)
