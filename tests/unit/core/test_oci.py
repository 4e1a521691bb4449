"""Manifests, indexes and references: read strictly, as they come from a registry that nobody trusts."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core import oci

DIGEST = f"sha256:{'0' * 64}"
BLOB = {"mediaType": "x", "digest": DIGEST, "size": 1}


def dump(**document):
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("text", "host", "repository", "reference"),
    [
        ("ghcr.io/aquasecurity/trivy-db:2", "ghcr.io", "aquasecurity/trivy-db", "2"),
        ("127.0.0.1:5000/shop", "127.0.0.1:5000", "shop", "latest"),
        ("localhost:5000/a/b:1.0", "localhost:5000", "a/b", "1.0"),
        (f"registry.example/a@{DIGEST}", "registry.example", "a", DIGEST),
        (f"registry.example:443/a:tag@{DIGEST}", "registry.example:443", "a", DIGEST),
        ("docker.io/library/python:3.13", "registry-1.docker.io", "library/python", "3.13"),
        ("[::1]:5000/a", "[::1]:5000", "a", "latest"),
    ],
)
def test_references(text, host, repository, reference):
    """A host, a repository, and a tag or a digest, which wins."""
    found = oci.Reference.parse(text)
    assert (found.host, found.repository, found.reference) == (host, repository, reference)
    assert oci.Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", "shop", "shop:1.0", "a/b", "./db", "/srv/db", "../x.y/z", "https://a.b/c", "a.b/C"]
)
def test_what_is_no_reference(text):
    """A path, or a name that would be looked for at Docker Hub, names no registry."""
    with pytest.raises(ValueError, match="registry"):
        oci.Reference.parse(text)


def test_only_this_machine_is_asked_without_tls():
    """Loopback by name or number."""
    assert oci.Reference.parse("127.0.0.1:5000/a").plain
    assert not oci.Reference.parse("127.0.0.1.example:5000/a").plain
    assert not oci.Reference.parse("registry.example/a").plain


def test_an_index_lists_platforms_and_no_attestations():
    """The entries that builders add for attestations are unknown/unknown."""
    platform = {"os": "linux", "architecture": "arm64"}
    attestation = {"os": "unknown", "architecture": "unknown"}
    index = dump(manifests=[{**BLOB, "platform": platform}, {**BLOB, "platform": attestation}, BLOB])
    assert oci.is_index(index)
    assert [one.name for one in oci.platforms(index)] == ["linux/arm64"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b" " * (oci.MANIFEST_BYTES + 1),
        dump(),
        dump(config=BLOB),
        dump(config=BLOB, layers={}),
        dump(config=5, layers=[]),
        dump(config={**BLOB, "digest": "sha256:0"}, layers=[]),
        dump(config={**BLOB, "digest": f"md5:{'0' * 64}"}, layers=[]),
        dump(config={**BLOB, "size": -1}, layers=[]),
        dump(config={**BLOB, "size": True}, layers=[]),
        dump(config={**BLOB, "mediaType": 5}, layers=[]),
        dump(config=BLOB, layers=[BLOB] * (oci.MOST_LAYERS + 1)),
    ],
)
def test_what_is_no_manifest(document):
    """It is refused, never half read."""
    with pytest.raises(ValueError, match=r"\w"):
        oci.manifest(document)


@pytest.mark.parametrize(
    "config", [dump(), dump(rootfs=5), dump(rootfs={"diff_ids": ["x"]}), dump(rootfs={"diff_ids": 5})]
)
def test_a_configuration_names_its_layers(config):
    """Without their digests an archive could hold any."""
    with pytest.raises(ValueError, match="layers"):
        oci.diff_ids(config)


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_any_bytes_end_in_a_value_error_or_a_value(content):
    """Nothing else is raised."""
    for read in (oci.manifest, oci.is_index, oci.platforms, oci.diff_ids):
        try:
            read(content)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either ending is right, silence is not
