"""OpenVEX: statements are read strictly, exceptions are written as what they are."""

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core import openvex
from lockgate.core.scan_exceptions import Rule

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
    assert rule == Rule("CVE-2023-45853", "zlib1g", "vulnerable_code_not_present", "ann", None, "vex.json")
    bare = {"vulnerability": "CVE-2023-45853", "status": "fixed"}
    (rule,) = openvex.read(document(bare), "vex.json")
    assert (rule.package, rule.reason, rule.until) == ("", "fixed", "no end")


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
