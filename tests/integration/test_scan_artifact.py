"""`lockgate scan --image`: the digest that will be deployed, however it comes, and nothing that only says it is that."""

import argparse
import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lockgate.adapters import handover, image_system, registry_login
from lockgate.adapters.bundle import BundleStore, pack
from lockgate.adapters.trivy import FORMATS
from lockgate.commands import scan as command
from lockgate.core.config import Config
from lockgate.core.config_scan import ExceptionConfig, ScanConfig, Vulnerabilities
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError, ScannerFailedError
from tests.fixtures import images
from tests.fixtures.oci_registry import FakeRegistry, digest_of, running
from tests.fixtures.stage import stage
from tests.fixtures.trivy_db import database

ENV = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
VULNERABLE = images.image({"h11": "0.14.0", "werkzeug": "3.0.1"}, debian={"zlib1g": "1:1.2.13.dfsg-1"})
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    return database.write(tmp_path_factory.mktemp("db"), built=datetime.now(UTC))


def run_scan(root, db, *, home="", image="", artifact="", output="", **settings):
    quick = {"secrets": False, "misconfiguration": False, "database": str(db), "timeout": 60.0}
    made = stage(root, Config("shop", scan=ScanConfig(**{**quick, **settings})), {**ENV, "HOME": str(home or root)})
    arguments = argparse.Namespace(image=str(image), artifact=str(artifact), output=str(output), against="")
    return command.run(made.project, arguments), made


def ids(result, group="blocking"):
    return [finding["id"] for finding in result.data[group]["findings"]]


def named(registry, image, repository="shop"):
    return Artifact(ArtifactKind.IMAGE, f"{registry.host}/{repository}", image.digest)


def sign_in(home, registry, user, password):
    """Leave what `docker login` leaves."""
    import base64  # noqa: PLC0415

    (home / ".docker").mkdir()
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


UNSUPPORTED = {
    "ended": ({"etc__os-release": b'ID=debian\nVERSION_ID="8"\n', "etc__debian_version": b"8.1\n"}, "debian 8.1 is no longer"),
    "unknown": (
        {"etc__os-release": b"ID=fedora\nVERSION_ID=40\n", "etc__fedora-release": b"Fedora release 40\n",
         "etc__debian_version": b""},
        "no vulnerabilities of fedora",
    ),
    "unrecognised": (
        {"etc__os-release": b'NAME="Arch Linux"\nID=arch\n', "etc__debian_version": b""}, "know the distribution arch"
    ),
}  # fmt: skip
"""Files of an image whose own packages Trivy cannot judge, and what is said of it."""


def test_the_distribution_is_found_in_an_archive_too(tmp_path):
    """In any layer, packed or not; an image without one names none."""
    arch = images.image(**{"usr__lib__os-release": b'ID="arch"\n', "etc__os-release": b""})
    assert image_system.named_in(arch.archive(tmp_path / "a.tar")) == "arch"
    assert image_system.named_in(arch.archive(tmp_path / "b.tar", gzip.compress(arch.layer))) == "arch"
    scratch = images.image(**{"etc__os-release": b""})
    assert image_system.named_in(scratch.archive(tmp_path / "c.tar")) == ""
    assert image_system.named_in(scratch.archive(tmp_path / "d.tar", b"\x1f\x8b cut")) == ""


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_distribution_that_nobody_looks_after_was_not_judged(tmp_path, db, name):
    """Trivy ends well and finds nothing in its packages: where vulnerabilities must be looked up, that is an error."""
    files, told = UNSUPPORTED[name]
    image = images.image({"h11": "0.16.0"}, debian={"zlib1g": "1:1.2.13.dfsg-1"}, **files)
    registry = FakeRegistry()
    image.into(registry)
    with running(registry):
        with pytest.raises(ScannerFailedError, match=told) as caught:
            run_scan(tmp_path, db, image=named(registry, image))
        assert caught.value.exit_code == 32
        loose = {"vulnerabilities": Vulnerabilities.WHEN_AVAILABLE}
        result, made = run_scan(tmp_path, db, image=named(registry, image), **loose)
        assert result.decision is Decision.PASSED
        for place in (result.message, result.summary, made.console.getvalue(), made.log.getvalue()):
            assert told in place
        off = {"vulnerabilities": Vulnerabilities.OFF, "licences": ("X",)}
        quiet, _ = run_scan(tmp_path, db, image=named(registry, image), **off)
        assert told not in quiet.message


def test_an_image_without_a_distribution_is_judged(tmp_path, db):
    """What is there by itself is looked up; that there is nothing else, or nothing that Trivy knows, is said."""
    image = images.image({"h11": "0.14.0"}, **{"etc__os-release": b"", "etc__debian_version": b""})
    registry = FakeRegistry()
    image.into(registry)
    with running(registry):
        result, made = run_scan(tmp_path, db, image=named(registry, image))
    assert ids(result) == [database.H11]
    assert "No distribution was recognised" in made.console.getvalue()


def test_image_is_pulled_by_digest_and_judged(tmp_path, db):
    """Known answers: two Python packages block, what Debian will not fix does not; the digest stands in the result."""
    registry = FakeRegistry()
    VULNERABLE.into(registry)
    with running(registry):
        result, made = run_scan(tmp_path, db, image=named(registry, VULNERABLE))
    assert (result.decision, result.reason, result.exit_code) == (Decision.FAILED, Reason.FINDINGS, 30)
    assert ids(result) == [database.H11, database.WERKZEUG]
    assert [one["fix"] for one in result.data["blocking"]["findings"]] == ["upgrade to 0.16.0", "upgrade to 3.0.3"]
    assert result.data["vulnerabilities"]["counts"] == {"CRITICAL": 2, "HIGH": 1}
    assert result.image == result.data["artifact"] == str(named(registry, VULNERABLE))
    assert result.data["database"]["digest"].startswith("sha256:")
    assert "CVE-2025-43859" in made.console.getvalue()


def test_private_image_needs_our_credential_and_trivy_never_sees_it(tmp_path, db):
    """The credential goes to the registry's token service alone; without it the image is not scanned."""
    registry = FakeRegistry(credential=("ann", "s3cret"))
    VULNERABLE.into(registry)
    home = tmp_path / "home"
    home.mkdir()
    with running(registry):
        image = named(registry, VULNERABLE)
        with pytest.raises(ArtifactMissingError, match="could not be pulled"):
            run_scan(tmp_path, db, home=home, image=image)
        sign_in(home, registry, "ann", "s3cret")
        result, made = run_scan(tmp_path, db, home=home, image=image)
    assert ids(result) == [database.H11, database.WERKZEUG]
    signed = {path for path, authorization in registry.asked if authorization.startswith("Basic")}
    assert all(path.startswith("/token") for path in signed)
    assert "s3cret" not in json.dumps(result.to_dict()) + made.console.getvalue() + made.log.getvalue()


def test_credential_is_not_for_another_registry(tmp_path):
    """What was left for one host is not found for another, nor in a file that is none."""
    registry = FakeRegistry(port=5000)
    sign_in(tmp_path, registry, "ann", "s3cret")
    places = registry_login.places(tmp_path)
    assert registry_login.known(registry.host, places) is not None
    assert "s3cret" not in repr(registry_login.known(registry.host, places))
    assert registry_login.known("127.0.0.1:5001", places) is None
    for content in ("", "[]", '{"auths": 5}', '{"auths": {"127.0.0.1:5000": {"auth": "%%%"}}}', "[" * 100_000):
        places[0].write_text(content)
        assert registry_login.known(registry.host, places) is None


@pytest.mark.parametrize(("fault", "told"), [("garbage", "answered with"), ("500", "500"), ("cut", "broke off")])
def test_registry_that_lies_or_fails_is_believed_nothing(tmp_path, db, fault, told):
    """Bytes that do not have the digest are not scanned."""
    registry = FakeRegistry(fault=fault)
    VULNERABLE.into(registry)
    with running(registry), pytest.raises(ArtifactMissingError) as caught:
        run_scan(tmp_path, db, image=named(registry, VULNERABLE))
    assert told in caught.value.why


def test_layer_that_was_replaced_in_the_registry_is_noticed(tmp_path, db):
    """The blob that comes under a layer's digest is another one of the same size."""
    registry = FakeRegistry()
    VULNERABLE.into(registry)
    registry.blobs[digest_of(VULNERABLE.layer)] = b"\0" * len(VULNERABLE.layer)
    with running(registry), pytest.raises(ArtifactMissingError) as caught:
        run_scan(tmp_path, db, image=named(registry, VULNERABLE))
    assert "other bytes than those of" in caught.value.why


def test_of_a_list_of_platforms_one_is_scanned_and_the_others_are_named(tmp_path, db):
    """Attestations are no platform; what was not looked at is said."""
    registry = FakeRegistry()
    VULNERABLE.into(registry)
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": VULNERABLE.digest,
             "size": len(VULNERABLE.manifest)}  # fmt: skip
    listed = [{**entry, "platform": {"os": "linux", "architecture": name}} for name in ("amd64", "s390x")] + [
        {**entry, "platform": {"os": "unknown", "architecture": "unknown"}}
    ]
    index = json.dumps(
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": listed}
    )
    digest = registry.tag("all", index.encode())
    with running(registry):
        image = Artifact(ArtifactKind.IMAGE, f"{registry.host}/shop", digest)
        result, made = run_scan(tmp_path, db, image=image)
    assert ids(result) == [database.H11, database.WERKZEUG]
    assert result.data["not_scanned"] == ["linux/s390x"]
    assert "linux/s390x was NOT scanned" in made.console.getvalue()


def handed_over(folder, image, digest, **changed):
    """Write what the build hands on for an image that no registry has."""
    folder.mkdir()
    artifact = Artifact(ArtifactKind.IMAGE, "shop", digest)
    handover.write(folder, Release("shop", "1.0", "0" * 40, artifact), 1)
    image.archive(folder / handover.IMAGE, **changed)
    return artifact


def test_archive_of_the_build_is_held_to_its_digest(tmp_path, db):
    """An image that no registry has is scanned from the archive, by its ID; another image or layer is not."""
    handed_over(tmp_path / "good", VULNERABLE, VULNERABLE.image_id)
    result, _ = run_scan(tmp_path, db, artifact=tmp_path / "good")
    assert ids(result) == [database.H11, database.WERKZEUG]
    handed_over(tmp_path / "other", images.image(), VULNERABLE.image_id)
    with pytest.raises(ArtifactMismatchError, match="it holds sha256"):
        run_scan(tmp_path, db, artifact=tmp_path / "other")
    handed_over(tmp_path / "swapped", VULNERABLE, VULNERABLE.image_id, layer=images.image().layer)
    with pytest.raises(ArtifactMismatchError, match="not the one that its configuration names"):
        run_scan(tmp_path, db, artifact=tmp_path / "swapped")


@pytest.mark.parametrize("content", [b"", b"garbage" * 200, images.tar({"manifest.json": b"[" * 9000})])
def test_archive_that_is_none_is_refused(tmp_path, db, content):
    """No archive ends in a traceback."""
    handed_over(tmp_path / "bad", VULNERABLE, VULNERABLE.image_id)
    (tmp_path / "bad" / handover.IMAGE).write_bytes(content)
    with pytest.raises(ArtifactMismatchError):
        run_scan(tmp_path, db, artifact=tmp_path / "bad")


def test_bundle_is_scanned_as_it_will_run(tmp_path, db):
    """What is installed in a bundle is looked up, from the very content that its digest names."""
    tree = tmp_path / "tree" / "vendor" / "h11-0.14.0.dist-info"
    tree.mkdir(parents=True)
    (tree / "METADATA").write_text("Metadata-Version: 2.1\nName: h11\nVersion: 0.14.0\n\n")
    folder = tmp_path / "handed"
    folder.mkdir()
    with (folder / handover.BUNDLE).open("wb") as file:
        digest = pack(tmp_path / "tree", file).digest
    artifact = Artifact(ArtifactKind.BUNDLE, "shop", digest)
    handover.write(folder, Release("shop", "1.0", "0" * 40, artifact), 1)
    result, made = run_scan(tmp_path, db, artifact=folder)
    assert (ids(result), result.image) == ([database.H11], str(artifact))
    # Here, it is known by its digest alone from now on.
    assert ids(run_scan(tmp_path, db, image=artifact)[0]) == [database.H11]
    BundleStore(made.project.state / "bundles").path(artifact)


def test_reports_for_others_come_from_the_one_report(tmp_path, db):
    """SARIF, CycloneDX, SPDX and OpenVEX agree with the verdict's own report, and severity gates none of them away."""
    handed_over(tmp_path / "good", VULNERABLE, VULNERABLE.image_id)
    rule = ExceptionConfig(database.H11, "h11", "behind a proxy that is strict", "ann", str(TODAY + timedelta(days=3)))
    result, made = run_scan(
        tmp_path, db, artifact=tmp_path / "good", output=tmp_path / "out", exceptions=(rule,), block=("CRITICAL",)
    )
    assert result.decision is Decision.PASSED
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*FORMATS.values(), "report.json", "scan.json", "exceptions.openvex.json"]
    )
    told = {database.H11, database.WERKZEUG, database.ZLIB}
    sarif = json.loads((out / "scan.sarif").read_text())
    assert {found["ruleId"] for found in sarif["runs"][0]["results"]} == told
    bom = json.loads((out / "sbom.cdx.json").read_text())
    assert {found["id"] for found in bom["vulnerabilities"]} == told
    assert json.loads((out / "sbom.spdx.json").read_text())["spdxVersion"].startswith("SPDX-2")
    assert {found["id"] for found in json.loads((out / "scan.json").read_text())["findings"]} == told
    (statement,) = json.loads((out / "exceptions.openvex.json").read_text())["statements"]
    assert (statement["status"], statement["vulnerability"]["name"]) == ("affected", database.H11)
    assert result.data["sbom"]["cyclonedx"] == digest_of((out / "sbom.cdx.json").read_bytes())
    (used,) = result.data["exceptions"]["used"]
    assert (used["owner"], used["expires"]) == ("ann", str(TODAY + timedelta(days=3)))
    # It ends within a week.
    assert "ends on" in made.console.getvalue()
    assert "::warning file=lockgate.yml,title=exception::" in made.log.getvalue()


def test_expired_and_unused_exceptions_are_listed_and_expired_ones_block_again(tmp_path, db):
    """Past its last day an exception is none; one that covers nothing is named so that it can go."""
    handed_over(tmp_path / "good", VULNERABLE, VULNERABLE.image_id)
    good = ExceptionConfig(database.H11, "h11", "why", "ann", str(TODAY + timedelta(days=30)))
    ended = replace(good, expires=str(TODAY - timedelta(days=1)))  # whatever day it is by now
    needless = ExceptionConfig("CVE-0000-0009", "nothing", "why", "ann", str(TODAY + timedelta(days=300)))
    result, _ = run_scan(tmp_path, db, artifact=tmp_path / "good", exceptions=(good, needless))
    assert (ids(result), ids(result, "accepted")) == ([database.WERKZEUG], [database.H11])
    assert [rule["id"] for rule in result.data["exceptions"]["unused"]] == ["CVE-0000-0009"]
    result, made = run_scan(tmp_path, db, artifact=tmp_path / "good", exceptions=(ended,))
    assert ids(result) == [database.H11, database.WERKZEUG]
    assert f"ended on {ended.expires}: it blocks again" in made.console.getvalue()


def test_vex_document_and_licences(tmp_path, db):
    """A statement of not_affected lets its vulnerability through with its reason; a denied licence blocks."""
    handed_over(tmp_path / "good", VULNERABLE, VULNERABLE.image_id)
    statement = {"vulnerability": {"name": database.H11}, "products": [{"@id": "pkg:pypi/h11@0.14.0"}],
                 "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}  # fmt: skip
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "statements": [statement]}
    (tmp_path / "vex.json").write_text(json.dumps(document))
    result, _ = run_scan(tmp_path, db, artifact=tmp_path / "good", vex=("vex.json",), licences=("MIT",))
    assert set(ids(result)) == {database.WERKZEUG, "MIT"}
    assert result.data["licences"]["judged"] is True
    (used,) = result.data["exceptions"]["used"]
    assert (used["source"], used["reason"]) == ("vex.json", "vulnerable_code_not_in_execute_path")
