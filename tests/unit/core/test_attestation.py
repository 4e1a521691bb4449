"""What an attestation must say: every claim is compared, and what is no statement is refused."""

import json

import pytest

from lockgate.core.attestation import (
    BUILDER,
    ISSUER,
    PAYLOAD,
    PROVENANCE,
    SCANNER,
    Claims,
    Expected,
    Signer,
    bundles,
    statement,
)

COMMIT, DIGEST, LOCKGATE = "c" * 40, "sha256:" + "a" * 64, "1" * 40
GOOD = {
    "issuer": ISSUER,
    "repository": "https://github.com/ada/shop",
    "commit": COMMIT,
    "workflow": f"https://github.com/OWNER/lockgate/{BUILDER}@refs/tags/v1",
    "workflow_commit": LOCKGATE,
}
SAID = {"_type": "https://in-toto.io/Statement/v1", "predicateType": PROVENANCE, "predicate": {}}
ABOUT = [{"name": "shop", "digest": {"sha256": "a" * 64}}]
SIGNER = Signer("OWNER/lockgate", BUILDER, commit=LOCKGATE)


def read(**changed):
    return statement(PAYLOAD, json.dumps({**SAID, "subject": ABOUT, **changed}).encode())


def wrong(signer=SIGNER, subject=ABOUT, **changed):
    expected = Expected("https://github.com", "ada/shop", COMMIT, DIGEST, signer)
    return list(expected.problems(Claims(**{**GOOD, **changed}), read(subject=subject)))


def test_what_is_as_it_must_be_has_no_problem():
    """Capital letters in GitHub's names do not matter."""
    assert wrong() == []
    assert wrong(repository="https://github.com/Ada/Shop") == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"issuer": "https://accounts.example"}, "https://accounts.example vouched"),
        ({"issuer": ""}, "nobody vouched"),
        ({"repository": "https://github.com/mallory/shop"}, "for the repository https://github.com/mallory/shop"),
        ({"repository": "https://github.com.example/ada/shop"}, "for the repository"),
        ({"commit": "d" * 40}, "for commit dddd"),
        ({"commit": ""}, "for commit (none)"),
        ({"subject": [{"digest": {"sha256": "b" * 64}}]}, "another digest"),
        ({"subject": []}, "another digest"),
        ({"subject": [{"digest": {"sha256": "A" * 64}}, {"digest": 1}, 2]}, "another digest"),
        (
            {"workflow": f"https://github.com/ada/shop/{BUILDER}@refs/heads/main"},
            "by the workflow https://github.com/ada",
        ),
        ({"workflow": f"https://github.com/OWNER/lockgate/{SCANNER}@refs/tags/v1"}, "scan.yml"),
        ({"workflow": f"https://github.com/OWNER/lockgate/{BUILDER}.evil@x"}, "by the workflow"),
        ({"workflow": ""}, "by the workflow (none)"),
        ({"workflow_commit": "2" * 40}, "build.yml at commit 2222"),
    ],
)
def test_each_thing_that_is_not_as_it_must_be_is_named(changed, said):
    """Repository, workflow, commit, digest and who vouches: one wrong word is enough."""
    (problem,) = wrong(**changed)
    assert said in problem


def test_a_workflow_may_be_any_of_its_versions_or_one():
    """As the config says it: without a ref any commit of it, with one only that."""
    anywhere = Signer.parse(f"OWNER/lockgate/{BUILDER}")
    assert wrong(anywhere, workflow_commit="2" * 40) == []
    tag = Signer.parse(f"OWNER/lockgate/{BUILDER}@refs/tags/v1")
    assert wrong(tag) == []
    assert wrong(tag, workflow=f"https://github.com/OWNER/lockgate/{BUILDER}@refs/pull/1/merge") != []
    assert str(tag.of_sbom) == f"OWNER/lockgate/{SCANNER}@refs/tags/v1"
    assert Signer.parse("ada/shop/.github/workflows/ci.yml").of_sbom.file == ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    "text", ["", "lockgate", "a/b/build.yml", "a/b/.github/workflows/../x.yml", "a/b/.github/workflows/x.yml@a b"]
)
def test_what_names_no_workflow_is_refused(text):
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="expected OWNER"):
        Signer.parse(text)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("text/plain", b"{}"),
        (PAYLOAD, b"{"),
        (PAYLOAD, b"[]"),
        (PAYLOAD, b"[" * 100_000),
        (PAYLOAD, json.dumps({**SAID, "_type": "https://in-toto.io/Statement/v0.1", "subject": ABOUT}).encode()),
        (PAYLOAD, json.dumps({**SAID, "subject": {}}).encode()),
        (PAYLOAD, json.dumps({**SAID, "subject": ABOUT, "predicate": []}).encode()),
        (PAYLOAD, json.dumps({**SAID, "subject": ABOUT, "predicateType": None}).encode()),
    ],
)
def test_what_is_no_statement_is_refused(kind, payload):
    """By ValueError, whatever it is."""
    with pytest.raises(ValueError):
        statement(kind, payload)


def test_an_sbom_is_told_by_its_type():
    """CycloneDX and SPDX, in any version."""
    for kind in ("https://cyclonedx.org/bom", "https://spdx.dev/Document/v2.3"):
        assert read(predicateType=kind).is_sbom
    assert not read().is_sbom


def test_githubs_list_is_read_strictly():
    """What has no bundle is passed over; what is no list is refused."""
    assert bundles({"attestations": [{"bundle": {"a": 1}}, {"bundle": None}, {"bundle_url": "x"}]}) == [{"a": 1}]
    for answer in (None, [], {}, {"attestations": {}}, {"attestations": [1]}):
        with pytest.raises(ValueError, match="not a list of attestations"):
            bundles(answer)
