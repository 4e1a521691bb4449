"""Delivery metrics, counted by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from lockgate.core import metrics_report as report
from lockgate.core.metrics import ROLLBACK, Ended, Median, Period, Question, bucket, buckets, count

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
NOTHING = Median(0, None)


def ended(at, status, *, commit="a", kind="deploy", live=None, written=None, merged=None):
    """A rollout in production, its times in hours after Monday."""
    when = [None if hours is None else MONDAY + timedelta(hours=hours) for hours in (at, live, written, merged)]
    return Ended(f"{at:08.3f}", "shop", "production", kind, status, commit, *when)


def ask(*rollouts, days=14, period=Period.WEEK):
    return list(count(Question("shop", "", MONDAY, MONDAY + timedelta(days=days), period), rollouts))


def test_a_week_counted_by_hand():
    """Two good changes, one rolled back by its gate, one that never had traffic: frequency, lead time, failures, restore."""
    whole, week = ask(
        ended(10, "deployed", commit="a", live=9, written=0, merged=6),
        ended(20, "rolled_back", commit="b", live=19.5, written=1, merged=2),
        ended(30, "aborted", commit="c"),
        ended(40, "deployed", commit="d", live=39, written=20, merged=38),
    )
    assert (whole.bucket, week.bucket) == (None, "2026-11-02")
    assert (whole.deployed, whole.rolled_back, whole.broken, whole.aborted) == (2, 1, 0, 1)
    assert (whole.failed, whole.changes, round(whole.failure_rate, 3)) == (1, 3, 0.333)
    assert whole.lead_commit == Median(2, 15 * 3600)
    assert whole.lead_merge == Median(2, 3 * 3600)
    assert (whole.restore, whole.open) == (Median(1, 1800), 0)


CASES = {
    "broken until a release of any kind is healthy again": (
        [ended(10, "broken", live=9), ended(11, "broken", live=10.5, kind="revive"), ended(13, "deployed", kind="revive")],
        {"broken": 1, "restore": Median(1, 4 * 3600), "open": 0},
    ),
    "broken and nothing after it: open, and not forgotten": (
        [ended(10, "broken", live=9)], {"broken": 1, "restore": NOTHING, "open": 1, "failed": 1},
    ),
    "broken and then aborted: nothing healthy took over": (
        [ended(10, "broken"), ended(11, "aborted")], {"open": 1, "restore": NOTHING},
    ),
    "rolled back by a person: the change before failed, the return is none": (
        [ended(10, "deployed", live=9), ended(15, "deployed", kind=ROLLBACK, commit="z")],
        {"deployed": 1, "returned": 1, "failed": 1, "changes": 1, "restore": Median(1, 6 * 3600)},
    ),
    "rolled back by a person after the next one: only that one failed": (
        [ended(10, "deployed"), ended(12, "deployed", commit="b", live=12), ended(15, "deployed", kind=ROLLBACK)],
        {"deployed": 2, "returned": 1, "restore": Median(1, 3 * 3600)},
    ),
    "rolled back by a person after one that broke: the healthy one before it is no failure": (
        [ended(10, "deployed", live=9), ended(250, "broken", live=249, commit="b"), ended(251, "deployed", kind=ROLLBACK)],
        {"deployed": 1, "returned": 0, "broken": 1, "failed": 1, "changes": 2, "restore": Median(1, 2 * 3600), "open": 0},
    ),
    "rolled back by a person after the gate had: it is the one before that failed": (
        [ended(10, "deployed", live=9), ended(20, "rolled_back", live=20), ended(21, "deployed", kind=ROLLBACK)],
        {"returned": 1, "failed": 2, "changes": 2, "restore": Median(2, 6 * 3600)},
    ),
    "a return that itself went wrong replaced nothing": (
        [ended(10, "deployed"), ended(15, "broken", kind=ROLLBACK), ended(16, "deployed", commit="b")],
        {"deployed": 2, "returned": 0, "failed": 0},
    ),
    "the same commit again has no lead time": (
        [ended(10, "deployed", written=8), ended(90, "deployed", written=8)],
        {"deployed": 2, "repeated": 1, "lead_commit": Median(1, 2 * 3600)},
    ),
    "a commit that failed first has its lead time until it went well": (
        [ended(10, "rolled_back", written=8), ended(90, "deployed", written=8)],
        {"repeated": 0, "lead_commit": Median(1, 82 * 3600)},
    ),
    "a commit from the future is not measured": ([ended(10, "deployed", written=11)], {"lead_commit": NOTHING}),
    "an adopted release is no change": (
        [ended(10, "deployed", kind="adopt"), ended(11, "deployed")], {"deployed": 1, "changes": 1},
    ),
    "no traffic recorded: measured from its end": ([ended(10, "rolled_back")], {"restore": Median(1, 0)}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_counts_as_what(name):
    rollouts, expected = CASES[name]
    whole = ask(*rollouts)[0]
    assert {key: getattr(whole, key) for key in expected} == expected


def test_only_what_ended_in_the_time_counts_but_all_of_the_past_is_known():
    """The end is not in it; a commit first deployed before it is repeated in it; what restores may come after it."""
    before, inside, at_end = ended(-1, "deployed"), ended(1, "deployed"), ended(24 * 14, "deployed", commit="b")
    whole = ask(before, inside, ended(2, "broken", commit="c", live=2), at_end)[0]
    assert (whole.deployed, whole.repeated, whole.broken) == (1, 1, 1)
    assert whole.restore == Median(1, (24 * 14 - 2) * 3600)
    assert ask(ended(-1, "deployed")) == []


def test_periods_are_of_utc_and_weeks_begin_on_monday():
    """With every period of a time in its order, also those in which nothing happened."""
    sunday = MONDAY - timedelta(seconds=1)
    assert [bucket(period, sunday) for period in Period] == ["2026-11-01", "2026-10-26", "2026-11-01"]
    asked = Question("", "", sunday, MONDAY + timedelta(days=15), Period.WEEK)
    assert buckets(asked) == ["2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16"]
    assert buckets(Question("", "", MONDAY, MONDAY + timedelta(days=2), Period.DAY)) == ["2026-11-02", "2026-11-03"]


NOW = datetime(2026, 11, 25, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "period", "begin", "end"),
    [
        ("90d", "", Period.DAY, "2026-08-27", NOW),
        ("90d", "", Period.WEEK, "2026-08-24", NOW),
        ("2w", "2026-11-11", Period.MONTH, "2026-10-01", datetime(2026, 11, 12, tzinfo=UTC)),
        ("2026-01-31", "", Period.DAY, "2026-01-31", NOW),
    ],
)
def test_a_time_is_read_as_typed(since, until, period, begin, end):
    """It begins with a whole period, and its last day is in it."""
    asked = report.question(("shop", ""), since, until, period, NOW)
    assert (f"{asked.since:%Y-%m-%d}", asked.until) == (begin, end)


@pytest.mark.parametrize(("period", "most"), [(Period.DAY, 750), (Period.WEEK, 5250), (Period.MONTH, 20_000)])
def test_a_time_of_more_periods_than_can_be_shown_is_refused(period, most):
    """The sentence says the limit and what to do."""
    asked = report.question(("shop", ""), f"{most // 7 - 5}w", "", period, NOW)
    assert len(buckets(asked)) <= report.MOST_PERIODS + 1
    for since in (f"{most // 7 + 200}w", "0001-01-01"):
        with pytest.raises(ValueError, match=r"days are counted at once, .* begin later, or count by a longer period"):
            report.question(("shop", ""), since, "", period, NOW)


@pytest.mark.parametrize(
    ("since", "until"), [("0d", ""), ("soon", ""), ("2026-11-26", ""), ("1d", "11/20/26"), ("9999w", "0001-05-01")]
)
def test_a_time_that_cannot_be_is_refused(since, until):
    with pytest.raises(ValueError, match=r"expected a day|is not before|before the calendar"):
        report.question(("shop", ""), since, until, Period.DAY, NOW)


def test_the_report_shows_numbers_with_what_they_are_of():
    """Numerator and denominator, how many a median is of, and bars of which the smallest can still be seen."""
    asked = Question("shop", "", MONDAY, MONDAY + timedelta(days=14), Period.WEEK)
    many = [ended(hour, "deployed", commit=f"c{hour}", live=hour, written=hour - 2) for hour in range(1, 40)]
    counted = count(asked, [*many, ended(41, "rolled_back", live=40), ended(200, "broken", commit="x")])
    assert report.rows(asked, counted, services=True) == [
        ["shop", "production", "39 (19.5 a week)", "2h (n=39)", "-", "4.9% (2 of 41)", "1h (n=1), 1 open", "0", "0"]
    ]
    assert report.chart(asked, counted, services=False) == [
        "production",
        "  changes █▁ at most 40 a week",
        "  failed  ▁▁",
        "  2026-11-02 to 2026-11-09, a column for each week",
    ]
    assert report.rows(asked, [], services=False) == report.chart(asked, [], services=False) == []


def test_csv_has_a_line_for_each_period_and_no_formula():
    """What a spreadsheet would run is text to it."""
    evil = Ended("1", "=1+1", "production", "deploy", "deployed", "", MONDAY)
    asked = Question("", "", MONDAY, MONDAY + timedelta(days=1), Period.DAY)
    heading, whole, day = report.to_csv(count(asked, [evil])).splitlines()
    assert heading.startswith("service,environment,period,deployed,returned,rolled_back,broken,aborted,repeated,failed")
    assert whole.startswith("'=1+1,production,,1,0,0,0,0,0,0,1,0,0.0,,0,")
    assert day.startswith("'=1+1,production,2026-11-02,1,")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (3.14159, "3.14s"), (61, "1m 1s"), (3600, "1h"), (7259, "2h 1m"), (100_000, "1d 4h")],
)
def test_a_length_of_time_is_written_in_two_units(seconds, text):
    assert report.lasting(seconds) == text
