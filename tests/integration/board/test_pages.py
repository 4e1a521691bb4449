"""Each page as it is sent: what it shows of a ledger with a past, of an empty one, and of hostile words."""

import html
import re
import threading
from datetime import UTC, datetime, timedelta

from lockgate.board.pages import delivery
from lockgate.core.board.waiting import Waiting
from lockgate.core.ledger import LedgerEvent, SpooledEvent
from lockgate.errors import GitHubError
from tests.integration.ledger.lives import finished, stands, started


def words(answer):
    """Give the text of a page."""
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_first_page_shows_what_serves_where(lived):
    """Each place with its version, how sure one may be, since when and by whom; a way back is named."""
    text = words(lived.get("/"))
    assert "shop" in text
    assert "till" in text
    assert "after b was rolled back" in text
    assert "by ada" in text
    assert re.search(r"newest finding CVE-2026-00[0-9]+ HIGH in npm/left, found [0-9]+d", text)


def test_the_first_page_of_an_empty_ledger_says_what_to_do(running):
    """It is no error, and says how the first one is made."""
    assert "Nothing was deployed yet" in words(running.get("/"))
    assert "No service is called that" in words(running.get("/?find=x"))


def test_what_is_not_there_is_a_page_of_its_own(running):
    """With a way on."""
    answer = running.get("/nothing")
    assert answer.status_code == 404
    assert "What serves where" in answer.text


def test_the_history_is_walked_by_its_own_links(lived):
    """Older and back again: every rollout once, and the filters stay in the address."""
    seen, path = [], "/history?limit=9&service=shop"
    while path:
        answer = lived.get(path)
        assert answer.status_code == 200
        seen.append(re.findall(r'href="/rollouts/([^"]+)"', answer.text))
        found = re.search(r'rel="next" href="([^"]+)"', answer.text)
        path = html.unescape(found[1]) if found else ""
    every = [one.id for one in lived.kind.ledger.deployments(service="shop", limit=200)]
    assert [one for page in seen for one in page] == every
    before = html.unescape(re.search(r'rel="prev" href="([^"]+)"', answer.text)[1])
    assert re.findall(r'href="/rollouts/([^"]+)"', lived.get(before).text) == seen[-2]
    assert "service=shop" in before


def test_a_search_that_makes_no_sense_is_explained_in_its_form(lived):
    """With what was typed still in it."""
    answer = lived.get("/history?text=ab&service=shop")
    assert answer.status_code == 400
    assert "text needs 3 letters or more" in answer.text
    assert 'value="shop"' in answer.text
    assert lived.get("/history?cursor=nonsense").status_code == 400
    assert "Nothing matches" in words(lived.get("/history?text=nosuchthing"))


def test_a_rollout_shows_its_evidence_and_its_journal(lived):
    """One that went back: traffic, what the gate saw, each step, and why."""
    text = words(lived.get("/rollouts/bad-1"))
    for said in ("rolled back", "Traffic", "Before promotion", "Shift traffic", "Begun by ada", "Restored"):
        assert said.lower() in text.lower(), said
    assert lived.get("/rollouts/none").status_code == 404


def test_metrics_show_numerator_and_denominator(lived):
    """Each place with its counts, of what, and a chart; a span that is none is explained."""
    text = words(lived.get("/delivery?since=52w&by=month"))
    assert "Change failure rate" in text
    assert re.search(r"[0-9]+ of [0-9]+", text)
    assert 'role="img"' in lived.get("/delivery?since=52w&by=month").text
    assert re.search(r"[0-9.]+ % of budgets kept [0-9]+ of [0-9]+ that were measured", text)
    assert re.search(r"Budgets kept [0-9]+ of [0-9]+, recorded by [0-9]+ of [0-9]+ rollouts", text)
    assert re.search(r"deploy time at most 5m [0-9]+ of [0-9]+ [0-9.]+ %", text)
    broke = html.unescape(
        re.search(r'Broken by"><span><a href="(/rollouts/[^"]+)"', lived.get("/delivery?since=52w").text)[1]
    )
    assert re.search(
        r"Budgets .*(Deploy time|P95 response|Availability) [0-9.m s%]+, at (most|least)", words(lived.get(broke))
    )
    assert lived.get("/delivery?since=soon").status_code == 400
    assert lived.get("/delivery?by=year").status_code == 400
    too_long = lived.get("/delivery?since=0001-01-01&by=day")
    assert (too_long.status_code, "at most 750 days are counted at once" in too_long.text) == (400, True)
    assert "Nothing ended in this time" in words(lived.get("/delivery?service=none"))


def test_charts_are_drawn_beside_the_loop_that_answers_everybody(lived, monkeypatch):
    """Two years by day in every place would hold all open pages up."""
    threads = []
    real = delivery.columns

    def drawn(*bars, **more):
        threads.append(threading.current_thread().name)
        return real(*bars, **more)

    monkeypatch.setattr(delivery, "columns", drawn)
    assert lived.get("/delivery?since=740d&by=day").status_code == 200
    assert threads
    assert all(name.startswith("ledger") for name in threads)


def test_two_environments_are_compared(lived):
    """What would go along if the one were promoted; the last two are proposed."""
    assert "Choose a service" in words(lived.get("/compare"))
    text = words(lived.get("/compare?service=shop"))
    assert "Now: production" in text
    assert "After: staging" in text
    assert "There is nothing to compare" in words(lived.get("/compare?service=none"))
    assert "One of these serves nothing" in words(lived.get("/compare?service=shop&from=x&to=y"))


def test_metrics_of_many_services_are_counted_some_at_a_time(lived, monkeypatch):
    """As many as are not too much at once; the page says of which services its totals are, and goes on."""
    whole = words(lived.get("/delivery?since=52w"))
    assert "More services" not in whole
    monkeypatch.setattr("lockgate.board.pages.delivery.ROLLOUTS", 1)
    first = lived.get("/delivery?since=52w")
    assert "From shop to shop; the totals are of these services." in words(first)
    second = lived.get("/delivery?since=52w&by=week&after=shop")
    assert 'href="/delivery?since=52w&amp;by=week&amp;after=shop"' in first.text
    assert "till in production" in words(second)
    assert "shop in" not in words(second)
    assert "More services" not in words(second)
    assert "till" not in words(lived.get("/delivery?since=52w&environment=staging"))


def test_approvals_say_what_waits_and_what_could_go_on(lived, tmp_path):
    """Without a token it says how to get to know; with one, each run with its link; GitHub being away hides nothing."""
    text = words(lived.get("/approvals"))
    assert "the board has no token" in text
    assert "Could go on" in text
    lived.board.approvals = Waits(
        [Waiting("production", "v2", "Ship <it>", "ada", "2026-11-01T00:00:00+00:00", "https://github.com/x")]
    )
    answer = lived.get("/approvals")
    assert "Review on GitHub" in answer.text
    assert "Ship &lt;it&gt;" in answer.text
    lived.board.approvals = Waits(GitHubError("GitHub could not be reached."))
    lived.board.known._entries.clear()
    assert "GitHub could not be asked" in words(lived.get("/approvals"))


def shipped(running, letter, environment, scan, baseline=None):
    """Record a release with everything that is known of one."""
    rollout = f"{environment}-{letter}"
    data = started(letter, rollout)
    data["plan"] |= {"environment": environment, "baseline": baseline, "override": "the sale", "reversible": False}
    listed = [{"sha": "b" * 40, "author": "Ada", "subject": "Ask once (#7)", "pull": 7}]
    data |= {"commits": {"since": "a" * 40, "count": 3, "listed": listed},
             "scan": {"findings": scan}, "run_url": "https://github.com/ada/shop/actions/runs/7", "dossier": {
        "source": {"repository": "ada/shop", "ref": "refs/heads/main"},
        "build": {"builder": "docker", "size": 143_000_000},
        "evidence": {"test": {"facts": {"tests": {"total": 9, "passed": 8, "failed": 1, "errors": 0, "skipped": 0}, "coverage": 0.931}},
                     "scan-image": {"facts": {"counts": {"vulnerabilities": {"HIGH": 1, "LOW": 0}}, "blocking": 0}}},
        "provenance": {"workflow": "ada/shop/.github/workflows/deploy.yml"}}}  # fmt: skip
    at = datetime.now(UTC) - timedelta(minutes=5)
    for seq, (kind, told) in enumerate(
        [("rollout.started", data), ("rollout.finished", finished("deployed", stands(letter)))]
    ):
        event = LedgerEvent(
            rollout,
            seq,
            (at + timedelta(seconds=90 * seq)).isoformat(timespec="milliseconds"),
            kind,
            "shop",
            environment,
            told,
        )
        running.kind.ledger.replay([SpooledEvent(event, 1)])


def test_a_dossier_says_all_that_is_known_and_two_are_compared(running):
    """Tests, scan, build, what is new with it; of two environments what would come and what would go."""
    old = [{"id": "CVE-2026-9", "severity": "HIGH", "package": "curl"}]
    new = [{"id": "CVE-2026-1", "severity": "CRITICAL", "package": "openssl", "fixed_in": "3.0.2"}]
    shipped(running, "a", "production", old)
    shipped(running, "b", "staging", new, baseline=stands("a").to_dict())
    text = words(running.get("/rollouts/staging-b"))
    for said in ("8 of 9 passed", "93.1%", "1 HIGH", "143.0 MB", "CRITICAL in openssl, fixed in 3.0.2", "1m 30s", "ada/shop", "the sale",
                 "Commits 3 bbbbbbbbb Ask once (#7) by Ada and more", "Budgets not recorded", "cannot be undone automatically", "nobody was asked", "deploy.yml"):  # fmt: skip
        assert said in text, said
    assert 'href="https://github.com/ada/shop/actions/runs/7"' in running.get("/rollouts/staging-b").text
    text = words(running.get("/compare?service=shop"))
    assert "Would come 1 CVE-2026-1 CRITICAL in openssl" in text
    assert "Would go 1 CVE-2026-9 HIGH in curl" in text


class Waits:
    """What is said to wait."""

    def __init__(self, said):
        self.said = said

    def waiting(self):
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>\u202e{{7*7}}"


def test_hostile_words_stay_words(running):
    """Whatever a commit, a version, a person, a service or an example says, on every page it is text."""
    plan = started("a", "r-x")
    plan["plan"]["actor"] = plan["plan"]["release"]["version"] = HOSTILE
    plan["run_url"] = "javascript:alert(1)"
    seen = {
        "verdict": HOSTILE,
        "message": HOSTILE,
        "seconds": 3,
        "log10_limit": 2,
        "indicators": [
            {
                "name": HOSTILE,
                "bad": 1,
                "total": 2,
                "limit": 0.1,
                "log10_evidence": 1,
                "evidence": [[0, 0], [3, 1]],
                "examples": [HOSTILE],
            }
        ],
    }
    standing = stands("a").to_dict()
    standing["release"]["version"] = HOSTILE
    ending = {**finished("deployed", None), "standing": standing, "message": HOSTILE, "reason_code": HOSTILE}
    for seq, (kind, data) in enumerate(
        [("rollout.started", plan), ("analysed.bake", seen), ("rollout.finished", ending)]
    ):
        at = f"{datetime.now(UTC) - timedelta(seconds=60 - seq):%Y-%m-%dT%H:%M:%S.000+00:00}"
        running.kind.ledger.replay(
            [SpooledEvent(LedgerEvent("r-x", seq, at, kind, HOSTILE[:90], "production", data), 1)]
        )
    for path in ("/", "/history", "/rollouts/r-x", "/delivery", "/approvals", "/compare", f"/?find={HOSTILE}", f"/history?by={HOSTILE}",
                 f"/delivery?since={HOSTILE}", f"/history?cursor={HOSTILE}", f"/rollouts/{HOSTILE}", f"/{HOSTILE}"):  # fmt: skip
        text = running.get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert 'href="javascript' not in text, path
        # What is only compared or sent back is not turned around; what is read is.
        assert "\u202e" not in re.sub(r'(data-service|value)="[^"]*"', "", text), path
        assert len(re.findall(r"<script", text)) == 1, path
