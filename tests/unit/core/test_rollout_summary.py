"""The job's summary shows why a rollout ended as it did."""

import xml.etree.ElementTree as ET

from lockgate.core import evidence_chart, rollout_summary
from lockgate.core.gate import Gate
from lockgate.core.reasons import Outcome, Reason
from lockgate.core.release import Artifact, Release
from lockgate.core.rollout_model import Phase, Plan, Standing, State, Watch
from lockgate.core.samples import GateSpec, Objective, Role, Sample

DIGEST = "sha256:" + "0" * 64


def release(version):
    return Release("shop", version, "c" * 40, Artifact.parse(f"bundle:shop@{DIGEST}"))


def report(outcomes, detail="status 500: the cache is full"):
    gate = Gate(
        GateSpec((Objective("availability", 0.01, 0.05),), 0.01, 60.0, 20, 2.0, early_pass=False, compare=False)
    )
    for i, good in enumerate(outcomes):
        if found := gate.add(Sample(i / 2, Role.CANDIDATE, "availability", good, detail="" if good else detail)):
            return found
    return gate.look(60.0)


GOOD, BAD = report([True] * 120), report([True] * 10 + [False] * 40)


def summary(reports, outcome=Outcome.ROLLED_BACK):
    plan = Plan("r", "production", release("2"), Standing("old", release("1"), verified=True), (50, 100))
    state = State(plan, Phase.DONE, outcome=outcome, reason=Reason.GATE_ERROR_STATUS, message="bad")
    return rollout_summary.summary(state, reports, "it went back")


def test_the_watch_that_stopped_it_is_shown():
    """The evidence over time and three examples, of the watch that failed and not of the one after."""
    text = summary([(Watch.PRE_PROMOTION, GOOD), (Watch.BAKE, BAD), (Watch.RESTORED, GOOD)])
    assert "**The watch that stopped it: bake**" in text
    assert text.count("status 500: the cache is full") == 3
    assert "limit\n" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| bake")]
    one = BAD.indicators[0]
    assert f"| {one.bad} of {one.total} |" in row
    assert "/ 100 |" in row


def test_a_good_rollout_shows_no_plot():
    """Nothing stopped it."""
    text = summary([(Watch.PRE_PROMOTION, GOOD), (Watch.BAKE, GOOD)], Outcome.DEPLOYED)
    assert "stopped" not in text
    assert "```" not in text


def test_the_watches_are_drawn_one_after_the_other():
    """A band for each with its name; every line within its watch."""
    svg = evidence_chart.watches([("pre promotion", GOOD), ("bake", BAD)])
    drawn = ET.fromstring(svg)  # noqa: S314 - our own
    inside = "{http://www.w3.org/2000/svg}"
    bands = [band for band in drawn.iter(f"{inside}rect") if "soft" in band.get("class")]
    first, second = (one.get("points").split() for one in drawn.iter(f"{inside}polyline"))
    border = float(bands[1].get("x"))
    assert float(first[-1].split(",")[0]) <= border <= float(second[0].split(",")[0])
    assert "pre promotion" in drawn.get("aria-label")
