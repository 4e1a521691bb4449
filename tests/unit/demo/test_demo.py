"""What the demo tells is what happened: from act's log and Lockgate's ledger to lines, tables, JSON and the page."""

import io
import json
import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser

import pytest

from demo import page, results
from demo.act import ActEvent, Kind, parse
from demo.facts import Facts, Release
from demo.journal import Entry, Journal
from demo.sandbox import for_act, free_ports
from demo.story import Story
from lockgate.adapters.console import Console

DIGEST = "sha256:" + "ab" * 32
HOSTILE = "<img src=x onerror=alert(1)>"


def line(**entry):
    return json.dumps({"level": "info", "msg": "", "job": "Staging/Deploy/Deploy"} | entry)


@pytest.mark.parametrize(
    ("log", "event"),
    [
        (line(jobResult="failure"), ActEvent(Kind.JOB_ENDED, "Staging", text="failure")),
        (
            line(job="Production/Deploy/Brief   ", jobResult="success"),
            ActEvent(Kind.JOB_ENDED, "Brief", text="success"),
        ),
        (line(step="Set up job", msg="⭐ Run Set up job"), ActEvent(Kind.JOB_BEGAN, "Staging")),
        (line(raw_output=True, msg="\x1b[32mok\x1b[0m\n"), ActEvent(Kind.LINE, "Staging", text="ok")),
        (
            line(command="set-output", name="url", arg="http://x", stepID=["lockgate"]),
            ActEvent(Kind.OUTPUT, "Staging", "lockgate", "url", "http://x"),
        ),
        (line(command="set-output", name="url", arg="http://x", stepID=["lockgate", "run"]), None),
        (line(level="error", msg="it broke"), ActEvent(Kind.TROUBLE, "Staging", text="it broke")),
        ("Error: Job 'Scan' failed\n", ActEvent(Kind.TROUBLE, text="Error: Job 'Scan' failed")),
        (line(msg="Cleaning up container"), None),
        ("[]", None),
    ],
    ids=[
        "end",
        "the other end",
        "begin",
        "line",
        "output",
        "inner output",
        "trouble",
        "plain text",
        "noise",
        "not an object",
    ],
)
def test_a_line_of_acts_log_is_an_event_or_nothing(log, event):
    """Outputs count once, colours go, and what is not JSON is act speaking."""
    assert parse(log) == event


def test_only_references_to_this_repository_are_rewritten():
    """`$/` becomes a repository that act can map to a folder; pins and text stay."""
    workflow = "uses: $/\nuses: $/.github/workflows/test.yml\nuses: actions/checkout@abc # v7\nrun: echo $/\n"
    assert for_act(workflow) == (
        "uses: OWNER/lockgate@v1\nuses: OWNER/lockgate/.github/workflows/test.yml@v1\n"
        "uses: actions/checkout@abc # v7\nrun: echo $/\n"
    )


def test_free_ports_differ():
    """Two environments never share a port."""
    assert len(set(free_ports(5))) == 5


def test_the_ledger_is_read_once_and_while_it_grows(tmp_path):
    """Each entry is given once, and a ledger that is not there yet is empty."""
    path = tmp_path / "ledger.db"
    journal = Journal(path)
    assert journal.new() == []
    with closing(sqlite3.connect(path)) as ledger:
        ledger.execute("create table events (id, rollout, seq, at, kind, service, environment, data)")
        for number in (1, 2):
            row = [str(number), "r", number, "2026-01-01T00:00:00+00:00", "happened.retired", "s", "production", "{}"]
            ledger.execute("insert into events values (?, ?, ?, ?, ?, ?, ?, ?)", row)
            ledger.commit()
            (entry,) = journal.new()
            assert (entry.kind, entry.environment) == ("happened.retired", "production")
    assert journal.new() == []


def release_dict(version):
    return {"version": version, "digest": DIGEST}


def report(verdict, bad, evidence):
    indicator = {
        "name": "availability", "bad": bad, "total": 100, "log10_evidence": evidence, "baseline_bad": 0,
        "baseline_total": 80, "examples": [f"GET /: status 500 {HOSTILE}"] if bad else [],
        "evidence": [[0.5, 0.0], [1.0, evidence]],
    }  # fmt: skip
    return {"verdict": verdict, "seconds": 2.0, "log10_limit": 2.9, "indicators": [indicator]}


ROLLED_BACK = [
    ("rollout.started", {"plan": {
        "release": release_dict("v2"), "approval": "nobody was asked",
        "baseline": {"revision": "old", "release": release_dict("v1")},
    }}),
    ("happened.previewed", {"revision": "new"}),
    ("analysed.pre_promotion", report("successful", 0, -1.0)),
    ("happened.integrated", {"passed": True, "message": "integration tests passed in 1.0 s"}),
    ("intended.shift", {"weights": {"new": 10, "old": 90}}),
    ("happened.shifted", {}),
    ("analysed.step", report("failed", 9, 11.0)),
    ("intended.shift", {"weights": {"old": 100}}),
    ("happened.shifted", {}),
    ("analysed.restored", report("successful", 0, -1.0)),
    ("rollout.finished", {"outcome": "rolled_back", "reason_code": "gate_error_status", "message": "bad"}),
]  # fmt: skip


def result(decision, reason="ok", message="fine"):
    return {
        "decision": decision, "reason_code": reason, "message": message,
        "seconds": {"total": 3.0, "own": 0.5, "tool": 2.0, "watching": 0.5},
        "budgets": [{"name": "deploy", "limit": 300, "measured": 3.0, "unit": "s", "kept": True}],
    }  # fmt: skip


def told(entries=ROLLED_BACK):
    """Tell a second release that is rolled back; give what was printed, and the release."""
    out = io.StringIO()
    clock = iter(range(1000)).__next__
    release = Release("Break it", "v2", "c" * 40, began=0)
    story = Story(release, Console(out), clock, epoch=100.0)
    story.job(ActEvent(Kind.JOB_BEGAN, "Scan"), {})
    story.job(
        ActEvent(Kind.JOB_ENDED, "Scan", text="success"), result("passed", message="Vulnerabilities were NOT judged")
    )
    story.job(ActEvent(Kind.JOB_BEGAN, "Production"), {})
    for number, (kind, data) in enumerate(entries):
        story.entry(Entry(110.0 + number, "r", "production", kind, data))
    story.job(ActEvent(Kind.JOB_ENDED, "Production", text="failure"), result("rolled_back", "gate_error_status"))
    release.ended = 30.0
    return out.getvalue(), release


def facts():
    """Give a run like the demo's: one release deployed, one rolled back, with users."""
    _, second = told()
    first = Release("Open it", "v1", "d" * 40, began=0)
    story = Story(first, Console(io.StringIO()), iter(range(1000)).__next__, epoch=0.0)
    story.job(ActEvent(Kind.JOB_BEGAN, "Production"), {})
    story.job(ActEvent(Kind.JOB_ENDED, "Production", text="success"), result("deployed"))
    second_1 = {"t": 0, "ok": 10, "bad": 2, "failed": 1, "by_version": {"v1": 8, "v2": 2}, "bad_by_version": {"v2": 2}}
    load = {
        "requests": 13, "failed": 1, "seconds": 1.0, "by_version": {"v1": 8, "v2": 2}, "bad_by_version": {"v1": 3, "v2": 2},
        "slowest": 0.1, "p99": 0.05, "longest_stall": 0.1, "series": [second_1, second_1 | {"t": 1}],
        "websockets": {"opened": 3, "closed": 0},
    }  # fmt: skip
    return Facts([first, second], load, load_began=5.0, seconds=40.0)


def test_the_story_of_a_rollback_has_every_turn():
    """Who was not asked, what got which share, what the gate saw, what serves again; in this order."""
    text, _ = told()
    turns = ["NOT judged", "nobody was asked", "v2 is up", "v2 healthy before traffic", "traffic is now 10 % v2, 90 % v1",
             "v2 FAILED with 10 % of the traffic: 91 of 100 right", "more than 1,000,000 to 1", "status 500",
             "traffic is now 100 % v1", "v1 healthy again", "ROLLED BACK: v1 serves again"]  # fmt: skip
    places = [text.find(turn) for turn in turns]
    assert -1 not in places, turns[places.index(-1)]
    assert places == sorted(places)


def test_a_job_that_left_no_result_is_told_as_bad():
    """A stage that died is not passed over in silence."""
    out = io.StringIO()
    story = Story(Release("x", "v1", "c", 0.0), Console(out), iter(range(9)).__next__, 0.0)
    story.job(ActEvent(Kind.JOB_BEGAN, "Build"), {})
    story.job(ActEvent(Kind.JOB_ENDED, "Build", text="failure"), {})
    assert "✗ build" in out.getvalue()
    assert "left no result" in out.getvalue()
    assert (story.release.outcome, story.release.reason) == ("error", "internal_error")


def test_lost_counts_what_a_verified_release_owed():
    """No answer, or a bad one by a release that was verified; the broken release's are counted apart."""
    run = facts()
    assert run.verified == {"v1"}
    assert run.lost == 1 + 3
    told = results.to_dict(run)
    assert told["load"]["failed"] == 4
    assert told["load"]["bad_answers_by_release"] == {"v1": 3, "v2": 2}
    assert [release["outcome"] for release in told["releases"]] == ["deployed", "rolled_back"]
    json.dumps(told)


def test_only_the_expected_endings_are_a_success():
    """Exit 0 is for deployed, then rolled back, and nothing else."""
    run = facts()
    assert results.as_expected(run)
    run.releases.reverse()
    assert not results.as_expected(run)
    assert not results.as_expected(Facts(run.releases[:1]))


def test_the_tables_say_who_answered(capsys):
    """A person reads on the terminal what result.json says."""
    out = io.StringIO()
    results.show(facts(), Console(out))
    assert re.search(r"v2 .*rolled_back .*gate_error_status", out.getvalue())
    assert "8 by v1, 2 by v2" in capsys.readouterr().out


class Page(HTMLParser):
    """Collects what a browser would fetch, and every tag."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.links = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]


def test_the_page_loads_nothing_and_runs_nothing(tmp_path):
    """It can be mailed: no request, no script; text from outside is shown, not obeyed."""
    run = facts()
    run.releases[1].title = HOSTILE
    page.write(run, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    parsed = Page(text)
    assert parsed.links == []
    assert not {"script", "img", "link", "iframe"} & set(parsed.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert "$" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


def test_the_page_tells_the_ending():
    """Headline, numbers, gate and budget are there; the picture is drawn for a wide and a narrow window."""
    text = page.render(facts())
    assert "The broken one was caught" in text
    assert "10 % of traffic" in text
    assert "9 of 100" in text
    assert "known vulnerabilities were not looked up" in text
    assert text.count("<svg") == 6


def test_a_page_without_a_rollout_is_still_a_page():
    """Where the second release never came to production, the page says so."""
    run = facts()
    run.releases[1].entries.clear()
    run.load = {}
    text = page.render(run)
    assert "never came to production" in text
    assert page.off_traffic(run.releases[1]) is None


def test_without_users_nothing_was_shown():
    """A run whose load client died proves nothing, however the releases ended."""
    run = facts()
    run.load = {}
    assert not results.as_expected(run)
