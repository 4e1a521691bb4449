"""How a watch is told: in words, as a plot, as Markdown, as SVG."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core import evidence_chart, gate_summary
from lockgate.core.evidence import amount, share, words, worst
from lockgate.core.gate import Gate
from lockgate.core.samples import GateSpec, Objective, Role, Sample, Verdict
from lockgate.core.terminal_plot import plot

HOSTILE = "<script>alert(1)</script> | ```\n::error::x @somebody"


def report(outcomes, *, detail="status 500", names=("availability", "latency")):
    objectives = tuple(Objective(name, 0.01, 0.05) for name in names)
    gate = Gate(GateSpec(objectives, 0.01, 60.0, 20, 2.0, early_pass=False, compare=True))
    found = None
    for i, good in enumerate(outcomes):
        gate.add(Sample(i / 2, Role.BASELINE, names[0], good=True))
        for name in names[1:]:
            gate.add(Sample(i / 2, Role.CANDIDATE, name, good=True))
        found = found or gate.add(Sample(i / 2, Role.CANDIDATE, names[0], good, detail=detail))
    return found or gate.look(60.0)


def test_the_reason_is_all_there():
    """Which indicator, how many bad of how many, the evidence against its limit, and three examples."""
    failed = report([True] * 20 + [False] * 20)
    text = gate_summary.summary("gate: failed", failed)
    one = worst(failed)
    assert one.name == "availability"
    assert f"| availability | {one.bad} of {one.total} | 1 % | {amount(one.log10_evidence)} | 200 | 0 of" in text
    assert text.count("availability: status 500") == 3
    assert "limit" in text
    told = "\n".join(gate_summary.lines(failed))
    assert f"{one.bad} bad of {one.total}, at most 1 % may be; evidence" in told
    assert "limit 200; the serving revision: 0 bad of" in told
    assert "evidence against availability over time" in told


def test_a_healthy_watch_has_no_plot():
    """A flat line says nothing."""
    healthy = report([True] * 120)
    assert gate_summary.evidence(healthy) == []
    assert len(gate_summary.lines(healthy)) == 2
    assert "```" not in gate_summary.summary("gate: successful", healthy)


def test_text_from_outside_stays_text():
    """A body cannot end its code block, mention somebody or become markup."""
    text = gate_summary.summary("gate", report([False] * 40, detail=HOSTILE))
    block = text.split("**Examples of bad samples**\n\n")[1]
    fence = block.splitlines()[0]
    assert len(fence) > 3
    assert block.rstrip().endswith(fence)


@pytest.mark.parametrize(
    ("log10", "text"),
    [(-9, "<0.01"), (-1, "0.10"), (0, "1.00"), (1.08, "12"), (3.1, "1,259"), (5.99, "977,237"), (6, "10^6"), (26.4, "10^26")],
)  # fmt: skip
def test_amounts_are_short(log10, text):
    """Evidence spans a hundred powers of ten; nobody reads thirty digits."""
    assert amount(log10) == text


@pytest.mark.parametrize(("value", "text"), [(0.001, "0.1 %"), (1 - 0.999, "0.1 %"), (0.05, "5 %"), (1e-6, "0.0001 %")])
def test_shares_are_exact_and_short(value, text):
    """What floats make of 99.9 % is not shown."""
    assert share(value) == text


def test_words_leave_out_a_revision_that_was_not_sampled():
    """Nothing is said about nothing."""
    assert "serving" not in words(report([True] * 20).indicators[1], 2.0)


points = st.lists(st.tuples(st.floats(0, 60), st.floats(-5, 300)), max_size=80)


@settings(max_examples=50)
@given(points, st.floats(0.1, 4), st.floats(0, 60), st.integers(32, 100), st.integers(2, 20))
def test_a_plot_keeps_its_frame(found, limit, seconds, width, height):
    """Whatever the evidence: as many lines as asked, none too wide, one limit, columns all the way."""
    lines = plot(found, limit=limit, seconds=seconds, width=width, height=height)
    assert len(lines) == height + 2
    assert all(len(line) <= width + 18 for line in lines)
    assert sum(line.endswith(" limit") for line in lines) == 1


def test_a_plot_shows_when_the_limit_was_reached():
    """Evidence above the limit fills the limit's row, evidence below it does not."""
    lines = plot([(0, 0), (10, 1), (30, 1.9), (45, 3)], limit=2, seconds=60, width=60, height=6)
    row = next(line for line in lines if line.endswith("limit"))[10:70]
    assert row[:30] == "┄" * 30
    assert row[45:] == "█" * 15
    assert lines[-1].split() == ["0", "s", "15", "30", "45", "60"]


@pytest.mark.parametrize("outcomes", [[], [True] * 120, [False] * 40], ids=["none", "healthy", "dead"])
def test_the_svg_needs_no_page(outcomes):
    """It is well-formed, has its own style and size, and says the verdict."""
    found = report(outcomes, names=("a <b> & c", "latency"))
    drawn = ET.fromstring(evidence_chart.svg(found))  # noqa: S314 - our own
    assert drawn.get("width") == "900"
    assert drawn[0].tag.endswith("style")
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert found.verdict.value in texts
    assert ("a <b> & c" in texts) == bool(outcomes)
    assert found.verdict is {0: Verdict.INCONCLUSIVE, 120: Verdict.SUCCESSFUL, 40: Verdict.FAILED}[len(outcomes)]
