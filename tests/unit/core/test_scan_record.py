"""The compact form of a scan: it comes back as it was, stays small, and hostile ones are refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core import scan_record
from lockgate.core.scan_record import ScanRecord, record
from lockgate.core.trivy_report import TrivyReport
from lockgate.core.vulnerability import Finding, Kind, Severity

FOUND = Finding(
    Kind.VULNERABILITY, "CVE-0000-0001", Severity.HIGH, "", "r.txt", 3, "leaky 1.0", "1.2", package="pypi/leaky"
)
REPORT = TrivyReport("0.76.0", (FOUND,), 1, ("r.txt",), {"pypi/leaky": ("1.0",)})


def made(at="2026-11-25T00:00:00+00:00", worst=(FOUND,)):
    return record(REPORT, "image:shop@sha256:0", at=at, database="sha256:1", database_updated="2026-11-24", worst=worst)


def test_it_comes_back_as_it_was():
    """Through JSON and back nothing changes but titles, which nobody needs again."""
    assert ScanRecord.from_dict(json.loads(json.dumps(made().to_dict()))) == made()


def test_it_is_bounded_and_says_what_it_left_out():
    """However much a scan found, what travels has an end; the worst come first."""
    many = made(worst=(FOUND,) * (scan_record.FINDINGS_KEPT + 5))
    assert (len(many.findings), many.left_out) == (scan_record.FINDINGS_KEPT, 5)
    assert len(json.dumps(many.to_dict())) < 1_000_000


def test_a_finding_keeps_the_day_it_was_first_seen():
    """From release to release, as long as it runs."""
    first = made("2026-01-01T00:00:00+00:00")
    second = made("2026-02-01T00:00:00+00:00").after(first.running())
    third = made("2026-03-01T00:00:00+00:00").after(ScanRecord.from_dict(second.to_dict()).running())
    assert third.running().since[FOUND.key] == "2026-01-01T00:00:00+00:00"
    assert made().after(None) == made()


def test_in_short_it_names_the_newest_finding():
    """The one that was seen last for the first time; of several the worst; of none none."""
    new = replace(FOUND, id="CVE-0000-0002", package="pypi/other")
    third = replace(FOUND, id="CVE-0000-0003", severity=Severity.LOW, package="pypi/third")
    before = made("2026-01-01T00:00:00+00:00")
    both = made("2026-02-01T00:00:00+00:00", (FOUND, new, third)).after(before.running())
    told = both.short()
    assert (told["total"], told["newest"]["id"], told["newest"]["since"]) == (3, "CVE-0000-0002", both.at)
    old = made("2026-02-01T00:00:00+00:00").after(before.running()).short()
    assert old["newest"]["since"] == "2026-01-01T00:00:00+00:00"
    assert made(worst=()).short() == {"at": made().at, "total": 0, "newest": None}


@pytest.mark.parametrize(
    "changed",
    [
        {"schema": 2},
        {"findings": None},
        {"findings": [{}]},
        {"findings": [{**made().to_dict()["findings"][0], "severity": "SEVERE"}]},
        {"findings": [{**made().to_dict()["findings"][0], "id": 5}]},
        {"packages": []},
        {"packages": {"a": 5}},
        {"artifact": None},
        {"left_out": "many"},
        {"findings": [{}] * (scan_record.FINDINGS_KEPT + 1)},
    ],
)
def test_what_is_none_is_refused(changed):
    """A record from another job is text from outside."""
    with pytest.raises(ValueError, match=r"\w"):
        ScanRecord.from_dict({**made().to_dict(), **changed})


def test_hostile_text_is_made_harmless():
    """A file name cannot speak to the runner, not even by way of the ledger."""
    row = {**made().to_dict()["findings"][0], "file": "a\x1b[2J##[x]"}
    assert "\x1b" not in ScanRecord.from_dict({**made().to_dict(), "findings": [row]}).findings[0].file


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(JSON, st.sampled_from(sorted(made().to_dict())))
def test_any_json_ends_in_a_record_or_a_value_error(value, key):
    """Nothing else is raised."""
    for document in (value, {**made().to_dict(), key: value}):
        try:
            ScanRecord.from_dict(document)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either ending is right, silence is not
