"""Charts: well-formed, to scale, and deaf to what is in the text."""

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core.chart_style import STYLE, Tone
from lockgate.core.charts import (
    Band,
    Bar,
    Frame,
    Row,
    Series,
    ceiling,
    odds,
    power_of_ten,
    stacked,
    timeline,
    times,
    values,
)

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("x")</script>&'


def drawn(svg):
    """Parse a chart; a browser would read it so inside a page."""
    return ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314 - our own


def texts(svg):
    return [text.text for text in drawn(svg).iter(f"{SVG}text")]


def points(shape):
    return [tuple(map(float, pair.split(","))) for pair in shape.get("points").split()]


def test_a_bar_is_as_long_as_it_took():
    """Twice the time is twice the length, and bars begin where they began."""
    rows = [
        Row("release"),
        Row("test", (Bar(0, 10, Tone.GOOD, "10 s"),)),
        Row("scan", (Bar(10, 30, Tone.BAD, "20 s"),)),
    ]
    first, second = (
        bar
        for bar in drawn(timeline(rows, (0, 40), width=900, title="t")).iter(f"{SVG}rect")
        if "fill" in bar.get("class")
    )
    assert float(second.get("width")) == pytest.approx(2 * float(first.get("width")), abs=0.2)
    assert float(second.get("x")) == pytest.approx(float(first.get("x")) + float(first.get("width")), abs=0.2)


@pytest.mark.parametrize(("start", "end"), [(0, 5), (95, 100)], ids=["at the left", "at the right"])
def test_a_label_stays_on_the_drawing(start, end):
    """A label goes to the side of its bar that has room."""
    svg = timeline([Row("test", (Bar(start, end, Tone.GOOD, "a label"),))], (0, 100), width=400, title="t")
    label = next(text for text in drawn(svg).iter(f"{SVG}text") if text.text == "a label")
    assert label.get("text-anchor") == ("start" if start == 0 else "end")
    assert 0 < float(label.get("x")) < 400


def test_layers_lie_on_each_other():
    """The upper edge of one layer is the lower edge of the next, and a point is at its value."""
    layers = [Series("a", Tone.FIRST, [(0, 10), (1, 20)]), Series("b", Tone.SECOND, [(0, 5), (1, 0)])]
    lower, upper = (
        points(shape) for shape in drawn(stacked(layers, (0, 1), width=500, title="t", unit="n")).iter(f"{SVG}polygon")
    )
    assert lower[:2] == list(reversed(upper[2:]))
    frame = Frame((0, 1), 20, 500, 200, left=84)
    assert upper[0] == pytest.approx((frame.x(0), frame.y(15)), abs=0.1)


def test_nothing_to_stack_is_an_empty_chart():
    """No data is no crash."""
    assert texts(stacked([], (0, 10), width=500, title="t", unit="n"))


def test_evidence_over_the_limit_is_above_the_line():
    """What the picture says is what the gate said."""
    line = Series("availability", Tone.FIRST, [(0, 0), (1, 1), (2, 4)])
    svg = drawn(odds([line], (0, 2), limit=3, bands=[Band(0, 2, "bake")], width=900, title="t"))
    limit = next(one for one in svg.iter(f"{SVG}line") if "dash" in one.get("class"))
    heights = [y for _, y in points(next(svg.iter(f"{SVG}polyline")))]
    # The y axis of a drawing points down.
    assert heights[1] > float(limit.get("y1")) > heights[2]


def test_a_band_too_narrow_for_its_name_keeps_it_for_pointing_at():
    """Names never run into each other."""
    bands = [Band(0, 1, "a very long name indeed"), Band(1, 100, "long enough")]
    svg = odds([], (0, 100), limit=3, bands=bands, width=900, title="t")
    assert "long enough" in texts(svg)
    assert "a very long name indeed" not in texts(svg)
    assert "<title>a very long name indeed</title>" in svg


def test_text_from_outside_is_only_text():
    """A commit's subject or a version cannot become markup."""
    bar = Bar(0, 1, Tone.GOOD, HOSTILE, HOSTILE)
    for svg in (
        timeline([Row(HOSTILE), Row(HOSTILE, (bar,))], (0, 1), width=500, title=HOSTILE),
        stacked([Series(HOSTILE, Tone.FIRST, [(0, 1)])], (0, 1), width=500, title=HOSTILE, unit=HOSTILE),
        odds(
            [Series(HOSTILE, Tone.FIRST, [(0, 1)])],
            (0, 1),
            limit=3,
            bands=[Band(0, 1, HOSTILE)],
            width=500,
            title=HOSTILE,
        ),
    ):
        assert "script" not in {element.tag.removeprefix(SVG) for element in drawn(svg).iter()}
        assert drawn(svg).get("aria-label") == HOSTILE


@given(st.floats(1e-6, 1e12))
def test_a_ceiling_is_round_and_not_far(value):
    """At or above the value, at most twice of it, and with at most two digits."""
    top = ceiling(value)
    assert value <= top * (1 + 1e-9)
    assert top <= 2 * value * (1 + 1e-9)
    assert float(f"{top:.2g}") == pytest.approx(top)


def test_the_ceiling_of_nothing_is_one():
    """An empty chart still has an axis."""
    assert (ceiling(0), values(1)) == (1, [0, 0.5, 1])


@given(st.integers(0, 5000), st.integers(1, 7000), st.integers(2, 12))
def test_time_marks_are_few_and_inside(start, length, most):
    """Marks lie in the span, evenly, no more of them than fit."""
    marks = times((start, start + length), most)
    assert len(marks) <= most + 1
    assert all(start <= mark <= start + length for mark in marks)
    assert len({b - a for a, b in itertools.pairwise(marks)}) <= 1


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_nothing_is_drawn_outside(t, value):
    """Whatever comes, it is drawn on the drawing."""
    frame = Frame((0, 10), 5, 300, 200)
    assert frame.left <= frame.x(t) <= frame.width - frame.right
    assert frame.top - 1e-9 <= frame.y(value) <= frame.height - frame.bottom


@pytest.mark.parametrize(
    ("exponent", "written"), [(0, "1"), (2, "100"), (3, "1k"), (5, "100k"), (6, "1M"), (11, "100G"), (12, "1e12")]
)
def test_powers_of_ten_are_short(exponent, written):
    """An axis has no room for zeros."""
    assert power_of_ten(exponent) == written


def test_every_tone_has_a_colour_in_light_and_dark():
    """No shape is invisible; the two colours of a tone differ, because one page is white and the other black."""
    for tone in Tone:
        light, dark = re.findall(rf"\.t-{tone}\{{--tone:(#[0-9a-f]{{6}})\}}", STYLE)
        assert luminance(light) < luminance(dark)


def luminance(colour):
    return math.fsum(int(colour[at : at + 2], 16) * weight for at, weight in ((1, 0.3), (3, 0.59), (5, 0.11)))
