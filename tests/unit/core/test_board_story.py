"""The story of a rollout, from its journal: phase, traffic, evidence, lines."""

from lockgate.core.board.findings import delta, findings, fresh
from lockgate.core.board.story import DOING, tell
from lockgate.core.board.watches import POINTS, judged, thinned
from lockgate.core.ledger import LedgerEvent
from lockgate.core.rollout_model import Phase

SHA = "sha256:" + "a" * 64
BASE = {"revision": "blue", "verified": True, "release": {
    "service": "shop", "version": "v1", "commit": "c" * 40, "artifact": f"bundle:shop@{SHA}", "digest": SHA}}  # fmt: skip
PLAN = {
    "rollout": "r1", "environment": "production", "release": {**BASE["release"], "version": "v2"}, "baseline": BASE,
    "steps": [50, 100], "integrate": False, "hooks": [], "reversible": True, "hold": False, "actor": "ada",
    "approval": "", "kind": "deploy", "about": "", "override": "", "fleet": "",
}  # fmt: skip
OK = {"passed": True, "reason_code": "ok", "message": "fine", "revision": ""}
SEEN = {"verdict": "failed", "reason_code": "gate_error_status", "message": "bad", "seconds": 9.0, "log10_limit": 2.0,
        "p95": 0.1, "indicators": [{"name": "availability", "limit": 0.01, "bad": 9, "total": 20, "log10_evidence": 2.4,
                                    "baseline_bad": 0, "baseline_total": 0, "log10_comparison": 0, "examples": ["503"],
                                    "evidence": [[1, 0.5], [9, 2.4]]}]}  # fmt: skip
JOURNAL = [
    ("rollout.started", {"plan": PLAN, "platform": "local", "dossier": {"schema": 1}}),
    ("intended.deploy_preview", {}),
    ("happened.previewed", {**OK, "revision": "green", "message": "http://x"}),
    ("intended.analyse", {"watch": "pre_promotion"}),
    ("happened.judged", OK),
    ("intended.shift", {"weights": {"blue": 50, "green": 50}}),
    ("happened.shifted", OK),
    ("watching.step", {**SEEN, "verdict": ""}),
    ("analysed.step", SEEN),
    ("happened.judged", {**OK, "passed": False, "reason_code": "gate_error_status", "message": "too many 503"}),
    ("intended.shift", {"weights": {"blue": 100}}),
    ("happened.shifted", OK),
    ("happened.judged", OK),
    ("happened.retired", OK),
    ("rollout.finished", {"outcome": "rolled_back", "reason_code": "gate_error_status", "message": "too many 503"}),
]


def journal(length):
    return [
        LedgerEvent("r1", seq, f"2026-11-01T00:00:{seq:02}.000+00:00", kind, "shop", "production", data)
        for seq, (kind, data) in enumerate(JOURNAL[:length])
    ]


def test_the_phase_and_the_traffic_follow_the_journal():
    """What was only intended has not happened; the new version is named first."""
    expected = {1: ("previewing", (("v1", 100),)), 6: ("shifting", (("v1", 100),)), 7: ("step", (("v2", 50), ("v1", 50))),
                10: ("rolling_back", (("v2", 50), ("v1", 50))), 15: ("done", (("v1", 100),))}  # fmt: skip
    for length, (phase, traffic) in expected.items():
        story = tell(journal(length))
        assert (story.phase, story.traffic) == (phase, traffic), length
    assert (story.outcome, story.message, story.dossier) == ("rolled_back", "too many 503", {"schema": 1})


def test_every_phase_is_said_in_words():
    """Whoever looks on need not know what the phases are called."""
    assert set(DOING) == set(Phase)


def test_a_watch_that_goes_on_is_shown_until_it_ends():
    """Its verdict is open; then the one that ended takes its place."""
    assert [one.verdict for one in tell(journal(8)).watches] == [""]
    (ended,) = tell(journal(9)).watches
    assert (ended.verdict, ended.limit, ended.indicators[0].points) == ("failed", 2.0, ((1, 0.5), (9, 2.4)))
    assert "9 bad of 20" in ended.indicators[0].words


def test_every_line_says_what_happened():
    """With its tone: what failed is bad, what was judged well is good, the rest is calm."""
    lines = tell(journal(15)).lines
    assert [one.tone for one in lines].count("bad") == 3
    assert lines[0].text == "Begun by ada: v2"
    assert lines[5].text == "Shift traffic: 50 % blue, 50 % green"
    assert "failed with a part of the traffic" in lines[8].text.lower()
    assert lines[-1].text == "Rolled back; the restored release was judged healthy. too many 503"


def test_a_journal_of_another_world_is_told_as_far_as_it_goes():
    """Unknown kinds, data of other shapes and a missing beginning stop nothing."""
    odd = [
        {"plan": 3},
        {"indicators": "x"},
        {"indicators": [{"evidence": [3, [1], "xy"], "bad": None}]},
        {"weights": 4},
    ]
    for data in odd:
        for kind in (
            "rollout.started",
            "analysed.bake",
            "happened.unheard",
            "intended.shift",
            "other",
            "rollout.finished",
        ):
            story = tell([LedgerEvent("r", 0, "t", kind, "s", "e", data)] * 2)
            assert len(story.lines) == 2
    assert tell([]).phase == ""


def test_a_plot_keeps_its_peaks():
    """However many samples there were, the first, the last and the highest stay."""
    points = [(float(t), 0.0) for t in range(10_000)]
    points[5_555] = (5_555.0, 9.0)
    kept = thinned(points)
    assert len(kept) == POINTS
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert max(kept, key=lambda one: one[1]) == points[5_555]
    assert thinned(points[:10]) == tuple(points[:10])


def test_numbers_that_are_none_are_nothing():
    """A ledger holds what somebody wrote."""
    event = LedgerEvent("r", 0, "t", "analysed.bake", "s", "e", {"seconds": "x", "log10_limit": True, "p95": None})
    assert (judged(event).seconds, judged(event).limit, judged(event).p95) == (0, 0, None)


SCAN = {"schema": 1, "findings": [
    {"id": "CVE-2026-2", "severity": "LOW", "package": "zlib", "since": "2026-10-01"},
    {"id": "CVE-2026-1", "severity": "CRITICAL", "package": "openssl", "fixed_in": "3.0.2"},
    {"id": "DS-0002", "severity": "HIGH", "file": "Dockerfile"}, 7, {"id": 3}]}  # fmt: skip


def test_what_a_scan_found_is_worst_first_and_the_new_is_told_apart():
    """Of two releases: what would come, and what would go."""
    assert [one.id for one in findings(SCAN)] == ["CVE-2026-1", "DS-0002", "CVE-2026-2", ""]
    assert [one.id for one in fresh(SCAN)] == ["CVE-2026-1", "DS-0002", ""]
    assert findings(SCAN)[0].words == "CVE-2026-1 CRITICAL in openssl, fixed in 3.0.2"
    assert findings(SCAN)[1].words == "DS-0002 HIGH in Dockerfile"
    other = {"findings": [SCAN["findings"][0], {"id": "CVE-2026-9", "severity": "HIGH", "package": "curl"}]}
    come, go = delta(SCAN, other)
    assert ([one.id for one in come], [one.id for one in go]) == (["CVE-2026-1", "DS-0002", ""], ["CVE-2026-9"])
    assert findings(None) == findings({"findings": "x"}) == []
