"""OpenVEX: statements are read strictly, exceptions are written as what they are."""

import json
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core import openvex
from lockgate.core.scan_exceptions import Rule
from lockgate.core.vulnerability import Finding, Kind, Severity

GOOD = {
    "vulnerability": {"name": "CVE-2023-45853"},
    "products": [{"@id": "pkg:oci/shop", "subcomponents": [{"@id": "pkg:deb/debian/zlib1g@1.2.13?arch=amd64"}]}],
    "status": "not_affected",
    "justification": "vulnerable_code_not_present",
}


def document(*statements, **changed):
    root = {"@context": openvex.CONTEXT, "author": "ann", "statements": list(statements), **changed}
    return json.dumps(root).encode()


def test_reads_what_is_not_affected_or_fixed():
    """By the package of the subcomponent, with the justification; affected and under investigation take nothing out."""
    others = [{**GOOD, "status": status} for status in ("affected", "under_investigation")]
    (rule,) = openvex.read(document(GOOD, *others), "vex.json")
    told = ("vulnerable_code_not_present", "ann", None, "vex.json")
    assert rule == Rule("CVE-2023-45853", "deb/zlib1g", *told, exact=True, version="1.2.13")
    assert str(rule) == "CVE-2023-45853 in deb/zlib1g 1.2.13"
    bare = {"vulnerability": "CVE-2023-45853", "status": "fixed"}
    (rule,) = openvex.read(document(bare), "vex.json")
    assert (rule.package, rule.reason, rule.until) == ("", "fixed", "no end")


LEAKY = [
    ("pypi", "h11", "h11 0.14.0", "pkg:pypi/h11"),
    ("npm", "@angular/core", "@angular/core 12.0.0", "pkg:npm/%40angular/core"),
    ("maven", "org.example/thing", "org.example:thing 1.0", "pkg:maven/org.example/thing"),
    ("golang", "golang.org/x/net", "golang.org/x/net v0.1.0", "pkg:golang/golang.org/x/net"),
    ("deb", "zlib1g", "zlib1g 1:1.2.13", "pkg:deb/debian/zlib1g"),
]


@pytest.mark.parametrize(("ecosystem", "name", "subject", "url"), LEAKY, ids=[one[0] for one in LEAKY])
def test_a_statement_is_about_one_package_of_one_ecosystem_in_one_version(ecosystem, name, subject, url):
    """Where it names a version, it says nothing of another; a part of a name is another package."""
    finding = Finding(Kind.VULNERABILITY, "CVE-2023-45853", Severity.HIGH, "", "x", subject=subject,
                      package=f"{ecosystem}/{name}")  # fmt: skip

    def covers(product):
        statement = {"vulnerability": {"name": finding.id}, "status": "fixed", "products": [product]}
        (rule,) = openvex.read(document(statement), "vex.json")
        return rule.matches(finding)

    version = quote(finding.version.removeprefix("1:")) + ("?epoch=1" if ":" in finding.version else "")
    assert covers({"@id": url})
    assert covers({"@id": f"{url}@{version}"})
    assert covers({"@id": "https://example.invalid/x", "identifiers": {"purl": f"{url}@{version}"}})
    assert not covers({"@id": f"{url}@9.9"})
    assert not covers({"@id": url.replace(f":{ecosystem}/", ":other/")})
    assert not covers({"@id": f"{url}x"})
    assert not covers({"@id": f"pkg:{ecosystem}/elsewhere/y"})
    assert not covers({"@id": f"pkg:{ecosystem}/*"})


def test_an_exception_is_written_for_the_name_that_is_shown():
    """What stands in the table may be copied: `group:artifact`, as Maven has it, too."""
    shown = Finding(Kind.VULNERABILITY, "CVE-2023-45853", Severity.HIGH, "", "x", subject="org.example:thing 1.0",
                    package="maven/org.example/thing")  # fmt: skip
    for name, covered in {"org.example:thing": True, "org.example/thing": True, "thing": False}.items():
        assert Rule(shown.id, name, "why", "ann", None).matches(shown) is covered


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an OpenVEX document"),
        (document(**{"@context": "https://example.invalid"}), "not an OpenVEX document"),
        (document(statements={}), "no list of statements"),
        (document(5), "not an object"),
        (document({**GOOD, "status": "fine"}), "no status"),
        (document({**GOOD, "vulnerability": {}}), "names no vulnerability"),
        (document({**GOOD, "justification": ""}), "without a justification"),
        (document({**GOOD, "products": [{"@id": ""}]}), "without a package URL"),
        (document({**GOOD, "products": [{"@id": "shop"}]}), "without a package URL"),
        (document({**GOOD, "products": 5}), "products are not a list"),
        (b" " * (openvex.LIMIT_BYTES + 1), "limit"),
    ],
)
def test_refuses(content, told):
    """What it cannot understand could let something through that it must not."""
    with pytest.raises(ValueError, match=told):
        openvex.read(content, "vex.json")


def test_an_exception_is_written_as_affected():
    """With who accepted it and until when; it takes nothing out when it is read back, and is the same every time."""
    rule = Rule("CVE-2023-45853", "zlib1g", "why", "ann", date(2027, 1, 31))
    text = openvex.write([rule], "shop", "2026-11-25T00:00:00+00:00")
    (statement,) = json.loads(text)["statements"]
    assert statement["status"] == "affected"
    assert statement["action_statement"] == "Accepted until 2027-01-31 by ann: why"
    assert openvex.read(text.encode(), "x") == ()
    assert text == openvex.write([rule], "shop", "2026-11-25T00:00:00+00:00")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(JSON, st.sampled_from(sorted(GOOD)))
def test_any_json_ends_in_rules_or_a_value_error(value, key):
    """Nothing else is raised."""
    for content in (json.dumps(value).encode(), document(value), document({**GOOD, key: value})):
        try:
            openvex.read(content, "x")
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either ending is right, silence is not
