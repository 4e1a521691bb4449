"""The scan stage's summary: what blocks, what was not judged, and nothing that a finding could make it say."""

from lockgate.core.scan_policy import Verdict
from lockgate.core.scan_summary import (
    DatabaseFacts,
    Judged,
    Scanned,
    data,
    headline,
    render,
    unjudged,
    warnings,
)
from lockgate.core.trivy_log import Unread
from lockgate.core.trivy_report import TrivyReport
from lockgate.core.vulnerability import Finding, Kind, Severity, counted

LEAK = Finding(Kind.SECRET, "aws", Severity.CRITICAL, "a key", "a.py", 3)
OLD = Finding(
    Kind.VULNERABILITY, "CVE-0000-0001", Severity.LOW, "made up", "r.txt", subject="p 1.1.0", fixed_in="1.2.0"
)


def scanned(*blocking: Finding, tolerated: tuple[Finding, ...] = (), **changed: object) -> Scanned:
    values = {
        "verdict": Verdict(blocking, tolerated),
        "classes": {kind: Judged(True) for kind in Kind},
        "report": TrivyReport("0.76.0", (), 4, ("r.txt",)),
        "unread": (),
        "database": DatabaseFacts("2026-11-01T00:00:00+00:00", 2.5, "sha256:0", ""),
    }
    return Scanned(**(values | changed))


def test_headline_counts_and_names():
    """One sentence: how many of what, and the first three by name."""
    more = [Finding(Kind.MISCONFIGURATION, f"DS-{n}", Severity.HIGH, "", "f") for n in range(4)]
    assert headline(scanned(LEAK, *more)) == "1 secret, 4 misconfigurations must not ship: aws, DS-0, DS-1 and 2 more."
    assert headline(scanned(tolerated=(OLD,))) == "Nothing blocks; the policy tolerates 1 vulnerability."
    assert headline(scanned()) == "Nothing was found."
    assert counted(()) == ""


def test_what_is_off_is_not_called_unjudged():
    """A class that the config has off was not asked for; one that could not be judged was."""
    off = scanned(classes={Kind.SECRET: Judged(False), Kind.VULNERABILITY: Judged(False, "no database.")})
    assert unjudged(off) == "Vulnerabilities were NOT judged: no database."
    text = render(off)
    assert "| secrets | off |" in text
    assert "| vulnerabilities | not judged |" in text
    assert "**Not a full scan.**" in text


def test_full_scan_names_its_database():
    """Which database answered, and for how many packages."""
    assert "4 packages looked up in the database of 2026-11-01" in render(scanned())
    assert "Not a full scan" not in render(scanned())


def test_hostile_finding_stays_text():
    """A file name with a pipe, HTML or a mention breaks no table and calls nobody."""
    hostile = Finding(Kind.SECRET, "aws", Severity.HIGH, "<img src=x>", "a|b/@everyone`.py", 1)
    text = render(scanned(hostile))
    assert "<img" not in text
    assert "a\\|b/@\u200beveryone\\`.py" in text


def test_warnings_say_what_weakens_the_scan():
    """An old database, one that was not refreshed, nothing to look up, and files that were not read."""
    weak = scanned(
        database=DatabaseFacts("2026-01-01T00:00:00+00:00", 30.0, "sha256:0", "It could not be refreshed."),
        report=TrivyReport("0.76.0", (), 0, ()),
        unread=tuple(Unread(f"f{n}", "broken", configuration=True) for n in range(5)),
    )
    said = warnings(weak, 7.0)
    assert said[0] == "It could not be refreshed."
    assert "30 days old" in said[1]
    assert "nothing to look up" in said[2]
    assert said[3:] == [
        "Trivy could not read f0: broken",
        "Trivy could not read f1: broken",
        "Trivy could not read f2: broken",
        "Trivy could not read 2 more files; see the result.",
    ]
    assert warnings(scanned(), 7.0) == []


def test_result_holds_the_findings_with_their_fix():
    """What blocks is in the data with class, place and fix; what is tolerated is counted."""
    found = data(scanned(LEAK, tolerated=(OLD,)))
    assert found["blocking"]["findings"][0]["line"] == 3
    assert found["vulnerabilities"]["counts"] == {"LOW": 1}
    assert found["database"]["age_days"] == 2.5
    assert "f: broken" in render(scanned(unread=(Unread("f", "broken", configuration=False),)))
