"""Durations, sizes and shares mean what people mean by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.quantities import (
    format_duration,
    format_share,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("5s", 5.0), ("3m", 180.0), ("1h", 3600.0), ("1.5h", 5400.0), ("0s", 0.0), ("0.1s", 0.1)],
)
def test_a_duration_is_read_into_seconds(text, seconds):
    """A duration is a number and one unit."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "5 m", "5 minutes", "-5s", "5M", "1h30m", "5:30", "m", "5s\n", "1e3s", "\u0665s"]
)
def test_anything_else_is_no_duration(text):
    """What is not a number and one unit is refused, saying what was expected."""
    with pytest.raises(ValueError, match="expected a duration like 5m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("200MB", 200_000_000), ("190MiB", 199_229_440), ("1GB", 10**9), ("5B", 5), ("1.5kB", 1500), ("1KB", 1000)],
)
def test_a_size_is_read_into_bytes(text, count):
    """MB is a million bytes, MiB 1024 x 1024."""
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "200", "200 MB", "200mb", "-1MB", "1TB", "MB", "1MB\n"])
def test_anything_else_is_no_size(text):
    """What is not a number and one unit is refused, saying what was expected."""
    with pytest.raises(ValueError, match="expected a size like 200MB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "share"), [("90%", 0.9), ("99.9%", 0.999), ("0%", 0.0), ("100%", 1.0), ("0.1%", 0.001)]
)
def test_a_share_is_read_exactly(text, share):
    """A percentage becomes the very float that a programmer would write for it."""
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "0.9", "101%", "100.1%", "-1%", "90 %", "%", "90%\n"])
def test_anything_else_is_no_share(text):
    """What is not a percentage from 0 to 100 is refused, saying what was expected."""
    with pytest.raises(ValueError, match="expected a share like 90%"):
        parse_share(text)


@given(st.integers(min_value=0, max_value=10**11))
def test_a_duration_survives_being_written(milliseconds):
    """Writing whole milliseconds and reading them back gives the same duration."""
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(min_value=0, max_value=999_999_999))
def test_a_size_survives_being_written(count):
    """Writing a size and reading it back gives the same number of bytes."""
    assert parse_size(format_size(count)) == count


@given(st.integers(min_value=0, max_value=10**8))
def test_a_share_survives_being_written(millionths_of_a_percent):
    """Writing a share with up to six decimals and reading it back gives the same share."""
    share = parse_share(f"{millionths_of_a_percent // 10**6}.{millionths_of_a_percent % 10**6:06}%")
    assert parse_share(format_share(share)) == share


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (format_duration(300), "5m"),
        (format_duration(90), "90s"),
        (format_duration(0.2), "200ms"),
        (format_duration(7200), "2h"),
        (format_duration(0), "0s"),
        (format_duration(20 / 7), "2.857s"),
        (format_size(200_000_000), "200MB"),
        (format_size(190 * 1024 * 1024), "190MiB"),
        (format_size(1001), "1001B"),
        (format_share(0.999), "99.9%"),
        (format_share(0.01), "1%"),
    ],
)
def test_quantities_are_written_as_people_write_them(written, expected):
    """The largest unit that needs no fraction is used."""
    assert written == expected
