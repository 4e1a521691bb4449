"""Trivy's report, read strictly: a real one, and many that must not pass for one."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core import trivy_report
from lockgate.core.trivy_report import parse
from lockgate.core.vulnerability import Kind, Severity

REAL = (Path(__file__).parents[2] / "fixtures/trivy/report.json").read_bytes()
VERSION = "0.76.0"
GOOD_SECRET = {"RuleID": "aws-access-key-id", "Severity": "CRITICAL", "Title": "AWS", "StartLine": 3}


def document(*results: object, **changed: object) -> bytes:
    root = {
        "SchemaVersion": 2,
        "Trivy": {"Version": VERSION},
        "ArtifactType": "filesystem",
        "Results": list(results),
        **changed,
    }
    return json.dumps(root).encode()


def test_reads_a_real_report():
    """Vulnerabilities with their line, misconfigurations and secrets are found."""
    report = parse(REAL, VERSION)
    told = {(f.kind, f.id, f.severity, f.place) for f in report.findings}
    assert told == {
        (Kind.VULNERABILITY, "CVE-0000-0001", Severity.CRITICAL, "requirements.txt:1"),
        (Kind.VULNERABILITY, "CVE-0000-0002", Severity.HIGH, "requirements.txt:1"),
        (Kind.MISCONFIGURATION, "DS-0002", Severity.HIGH, "Dockerfile"),
        (Kind.MISCONFIGURATION, "DS-0026", Severity.LOW, "Dockerfile"),
        (Kind.SECRET, "aws-access-key-id", Severity.CRITICAL, "settings.py:1"),
    }
    assert (report.packages, report.manifests) == (1, ("requirements.txt",))


def test_fixed_version_is_read():
    """What a fix needs is known, and that there is none too."""
    vulnerabilities = {f.id: f for f in parse(REAL, VERSION).findings if f.kind is Kind.VULNERABILITY}
    assert vulnerabilities["CVE-0000-0001"].fixed_in == "1.2.0"
    assert vulnerabilities["CVE-0000-0002"].fixed_in == ""


def test_nothing_found_is_a_report_without_results():
    """Trivy leaves `Results` out of a clean report."""
    clean = document()
    without = json.dumps({k: v for k, v in json.loads(clean).items() if k != "Results"}).encode()
    assert parse(clean, VERSION).findings == parse(without, VERSION).findings == ()


def test_a_passed_check_is_no_finding():
    """Only a misconfiguration with status FAIL is one."""
    passed = {"ID": "DS-0002", "Severity": "HIGH", "Status": "PASS"}
    assert parse(document({"Target": "Dockerfile", "Misconfigurations": [passed]}), VERSION).findings == ()


def test_an_installed_package_is_named_by_its_own_file():
    """A package found by itself, not in a manifest, has its own path."""
    found = {"VulnerabilityID": "CVE-0000-0001", "PkgName": "p", "PkgPath": "lib/p/METADATA", "Severity": "LOW"}
    assert (
        parse(document({"Target": "Python", "Vulnerabilities": [found]}), VERSION).findings[0].file == "lib/p/METADATA"
    )


def test_hostile_text_is_bounded_and_printable():
    """A title cannot speak to the runner, break a line or fill the log."""
    secret = {**GOOD_SECRET, "Title": "a\n::error::##[x]\x1b[2J" + "b" * 5000}
    title = parse(document({"Target": "f", "Secrets": [secret]}), VERSION).findings[0].title
    assert "\n" not in title
    assert "\x1b" not in title
    assert "##[" not in title
    assert len(title) < 400


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"panic: runtime error", "not JSON"),
        (REAL[:2000], "cut off"),
        (b"[]", "not a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "SchemaVersion is None"),
        (document(SchemaVersion=1), "SchemaVersion is 1"),
        (document(ArtifactType="container_image"), "expected filesystem"),
        (document(Trivy={"Version": "0.69.4"}), "0.69.4"),
        (document(Trivy=None), "expected 0.76.0"),
        (document(Results={}), "not a list"),
        (document(Results=[1]), "not a list of objects"),
        (document({"Target": 5}), "Target is 5"),
        (document({"Target": "f", "Secrets": [{}]}), "no RuleID"),
        (document({"Secrets": [GOOD_SECRET]}), "no Target"),
        (document({"Target": "f", "Secrets": [{**GOOD_SECRET, "Severity": "SEVERE"}]}), "not a severity"),
        (document({"Target": "f", "Secrets": [{**GOOD_SECRET, "StartLine": "3"}]}), "expected a line number"),
        (document({"Target": "f", "Vulnerabilities": [{"PkgName": "p", "Severity": "LOW"}]}), "no VulnerabilityID"),
    ],
)
def test_refuses(content, told):
    """What is not the pinned Trivy's report of a directory is refused, never read as a clean one."""
    with pytest.raises(ValueError, match=told):
        parse(content, VERSION)


def test_refuses_what_is_too_large():
    """A report past the limit is refused before it is read."""
    with pytest.raises(ValueError, match="limit"):
        parse(b"x" * (trivy_report.LIMIT_BYTES + 1), VERSION)


@given(st.integers(1, len(REAL.rstrip()) - 1))
def test_a_cut_report_is_never_a_clean_one(length):
    """However much of a real report arrives, less than all of it is refused."""
    with pytest.raises(ValueError, match="not JSON"):
        parse(REAL[:length], VERSION)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(JSON)
def test_any_json_ends_in_a_report_or_a_value_error(value):
    """No JSON makes the parser raise anything but ValueError."""
    for content in (json.dumps(value).encode(), document(Results=value), document({"Target": "f", "Secrets": value})):
        try:
            parse(content, VERSION)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either ending is right, silence is not
