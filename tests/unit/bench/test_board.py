"""The arithmetic of `make bench-board`: what it calls lost, late and growing."""

import pytest

from bench.board.account import Told, of_counts, slope, times, told
from bench.board.watchers import cut, read_frame


@pytest.mark.parametrize(
    ("expected", "heard", "found"),
    [
        ([1, 2, 3], [1, 2, 3], Told(3)),
        ([], [], Told()),
        ([1, 2, 3], [1, 3], Told(3, lost=1)),
        ([1, 2, 3], [1, 2, 2, 3, 3, 3], Told(3, twice=3)),
        ([1, 2, 3], [2, 1, 3], Told(3, disordered=1)),
        ([1, 2], [1, 2, 9], Told(2, foreign=1)),
        ([4, 6], [4, 3, 4], Told(2, lost=1, twice=1, disordered=1, foreign=1)),
    ],
)
def test_what_a_client_heard_is_held_against_what_happened(expected, heard, found):
    """Lost, told twice, out of order and not meant for it are four different things."""
    assert told(expected, heard) == found
    assert found.whole == (expected == heard)
    assert found + Told(1, 1, 1, 1, 1) == Told(
        found.expected + 1, found.lost + 1, found.twice + 1, found.disordered + 1, found.foreign + 1
    )


def test_percentiles_are_values_that_were_measured():
    """Of single values and of counted ones alike; of none they are 0."""
    values = [number / 1000 for number in range(1, 201)]
    assert times(reversed(values)) == (0.1, 0.19, 0.198, 0.2)
    assert times([]) == (0, 0, 0, 0)
    counted = dict.fromkeys(range(1, 201), 1)
    assert [of_counts(counted, percent) for percent in (50, 95, 99, 100)] == [100, 190, 198, 200]
    assert of_counts({7: 99, 500: 1}, 99) == 7
    assert of_counts({7: 98, 500: 2}, 99) == 500
    assert of_counts({}, 99) == 0


def test_a_slope_is_found_through_noise():
    """By least squares; a single point has none."""
    assert slope([(0, 5), (1, 7), (2, 9)]) == pytest.approx(2)
    assert slope([(0, 5), (1, 6), (2, 5), (3, 6), (4, 5), (5, 6), (6, 5)]) == pytest.approx(0, abs=0.1)
    assert slope([(3, 1)]) == slope([]) == slope([(1, 1), (1, 2)]) == 0


def test_frames_are_cut_wherever_the_network_cuts_them():
    """Short, long and very long ones; what is not whole yet stays."""
    short, long, longer = b"hello", b"x" * 300, b"y" * 70_000
    stream = (
        bytes([0x81, 5]) + short + bytes([0x81, 126]) + (300).to_bytes(2) + long
        + bytes([0x89, 0]) + bytes([0x81, 127]) + (70_000).to_bytes(8) + longer
    )  # fmt: skip
    whole = [(0x81, short), (0x81, long), (0x89, b""), (0x81, longer)]
    assert cut(stream) == (whole, b"")
    for step in (1, 7, 1000):
        found, rest = [], b""
        for at in range(0, len(stream), step):
            more, rest = cut(rest + stream[at : at + step])
            found += more
        assert (found, rest) == (whole, b"")


def test_a_frame_tells_its_positions_and_when_they_were_written():
    """And whether the page must be read again."""
    told = '{"type": "events", "head": "9.ab", "events": [{"position": 9, "at": "2026-11-29T00:00:01.500+00:00"}]}'
    frame = read_frame(told.encode())
    assert (frame.head, frame.positions, frame.at, frame.resync) == ("9.ab", (9,), (1795910401.5,), False)
    assert read_frame(b'{"type": "resync"}').resync
