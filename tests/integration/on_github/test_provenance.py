"""Who signed is verified before anything goes anywhere: real certificates, real logs, real signatures, of a Sigstore of our own."""

import base64
import json
import sqlite3
from dataclasses import replace

import pytest

from lockgate.adapters.sigstore_bundle import utf8
from lockgate.commands import doctor, provenance
from lockgate.core.config import Config
from lockgate.core.config_provenance import Attestations, ProvenanceConfig
from lockgate.core.release import Artifact, Release
from lockgate.errors import (
    GitHubError,
    ProvenanceMissingError,
    ProvenanceRefusedError,
    ProvenanceUnverifiableError,
)
from tests.fixtures.stage import stage
from tests.standins.sigstore import Sigstore, claims

pytestmark = pytest.mark.judged

DIGEST = "sha256:" + "a" * 64
RELEASE = Release("shop", "1.0", "c" * 40, Artifact.parse(f"image:registry.example/shop@{DIGEST}"))
SBOM = {"bomFormat": "CycloneDX", "components": [{"name": "h11"}]}
CYCLONE = "https://cyclonedx.org/bom"
SIGNED = {"commit": "c" * 40}


@pytest.fixture(scope="module")
def sigstore():
    """One instance for all of these: its keys take a while."""
    return Sigstore()


@pytest.fixture
def deploying(tmp_path, github, sigstore):
    """Give a function that verifies a release as a job on GitHub would, with these bundles there."""
    (tmp_path / "root.json").write_text(sigstore.trusted_root())

    def verify(*bundles, scan=None, release=RELEASE, env=None, **config):
        github.state.attestations.update(enumerate(bundles))
        chosen = {"attestations": Attestations.REQUIRED, "trusted_root": "root.json", **config}
        job = github.env(LOCKGATE_WORKFLOW="OWNER/lockgate@" + "1" * 40) | (env or {})
        verify.stage = stage(tmp_path, Config("shop", provenance=ProvenanceConfig(**chosen)), job)
        return provenance.check(verify.stage.project, release, scan)

    return verify


def test_a_release_that_was_built_by_our_workflow_from_its_commit_is_let_through(deploying, sigstore):
    """What was verified stands in the dossier; another's attestation beside it changes nothing."""
    said = deploying(sigstore.bundle(DIGEST, claims("mallory/shop")), sigstore.bundle(DIGEST))
    assert said == {
        "repository": "https://github.com/ada/shop",
        "workflow": "https://github.com/OWNER/lockgate/.github/workflows/build.yml@refs/tags/v1",
        "commit": "c" * 40,
        "issuer": "https://token.actions.githubusercontent.com",
        "predicates": ["https://slsa.dev/provenance/v1"],
    }
    assert "verified" in deploying.stage.console.getvalue()


def test_a_release_that_nobody_signed_for_is_refused_where_the_config_says_so(deploying, sigstore):
    """An attestation of another digest is none of this one."""
    with pytest.raises(ProvenanceMissingError, match="has no attestation of its provenance"):
        deploying(sigstore.bundle("sha256:" + "b" * 64))
    assert deploying(attestations=Attestations.WHEN_AVAILABLE) is None
    assert "was not verified" in deploying.stage.console.getvalue()
    assert deploying(attestations=Attestations.OFF) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"repository": "mallory/shop"}, "for the repository https://github.com/mallory/shop"),
        ({"file": "evil.yml"}, "by the workflow https://github.com/OWNER/lockgate/.github/workflows/evil.yml"),
        ({"lockgate": "mallory/lockgate"}, "by the workflow https://github.com/mallory/lockgate"),
        ({"workflow_commit": "2" * 40}, "build.yml at commit 2222"),
        ({"commit": "d" * 40}, "for commit dddd"),
        ({"issuer": "https://accounts.example"}, "https://accounts.example vouched"),
        ({"commit": None}, r"for commit \(none\)"),
    ],
)
def test_somebody_elses_signature_is_refused(deploying, sigstore, changed, said):
    """Each of repository, workflow and commit counts; where the config only asks for what is available, too."""
    for wanted in (Attestations.REQUIRED, Attestations.WHEN_AVAILABLE):
        with pytest.raises(ProvenanceRefusedError, match=said):
            deploying(sigstore.bundle(DIGEST, claims(**{**SIGNED, **changed})), attestations=wanted)


def _payload(bundle):
    envelope = bundle["dsseEnvelope"]
    said = json.loads(base64.b64decode(envelope["payload"]))
    said["predicate"] = {"buildDefinition": {"by": "mallory"}}
    envelope["payload"] = base64.b64encode(json.dumps(said).encode()).decode()


def _signature(bundle):
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(b"no signature").decode()


def _log(bundle):
    bundle["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"] = base64.b64encode(b"{}").decode()


def _time(bundle):
    bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1"


def _unlogged(bundle):
    bundle["verificationMaterial"]["tlogEntries"] = []


def _nothing(bundle):
    bundle["verificationMaterial"] = {}


@pytest.mark.parametrize("forge", [_payload, _signature, _log, _time, _unlogged, _nothing])
def test_what_was_changed_after_it_was_signed_is_refused(deploying, sigstore, forge):
    """In the statement, the signature, the log or its time; and what was never logged."""
    bundle = sigstore.bundle(DIGEST)
    forge(bundle)
    with pytest.raises(ProvenanceRefusedError, match="its signature does not hold"):
        deploying(bundle)


def test_another_authority_is_nobody(deploying, sigstore):
    """Whoever runs a Sigstore of their own, and without trusted_root whoever is not the public one, vouches for nothing."""
    with pytest.raises(ProvenanceRefusedError, match="does not hold"):
        deploying(Sigstore().bundle(DIGEST))
    with pytest.raises(ProvenanceRefusedError, match="does not hold"):
        deploying(sigstore.bundle(DIGEST), trusted_root="")


def test_the_sbom_is_attested_by_the_workflow_for_it_and_is_the_one_of_the_scan(deploying, sigstore, tmp_path):
    """By Lockgate's scan.yml, about this digest, word for word what the scan wrote."""
    built = sigstore.bundle(DIGEST)
    listed = sigstore.bundle(DIGEST, claims(file="scan.yml"), kind=CYCLONE, predicate=SBOM)
    with pytest.raises(ProvenanceMissingError, match="of its SBOM"):
        deploying(built, sbom=True)
    (tmp_path / "sbom.cdx.json").write_text(json.dumps(SBOM))
    said = deploying(built, listed, sbom=True, scan=tmp_path)
    assert said["predicates"] == ["https://slsa.dev/provenance/v1", CYCLONE]
    assert deploying(built, listed, sbom=True, scan=tmp_path / "not there") == said
    (tmp_path / "sbom.cdx.json").write_text(json.dumps({**SBOM, "components": []}))
    with pytest.raises(ProvenanceRefusedError, match="is not the one in"):
        deploying(built, listed, sbom=True, scan=tmp_path)
    with pytest.raises(ProvenanceRefusedError, match=r"build\.yml"):
        deploying(built, sigstore.bundle(DIGEST, kind=CYCLONE, predicate=SBOM), sbom=True)


def test_another_statement_of_the_same_workflow_is_no_provenance(deploying, sigstore):
    """A signature says who; what was said counts as well."""
    with pytest.raises(ProvenanceRefusedError, match="it attests https://slsa"):
        deploying(sigstore.bundle(DIGEST, kind="https://slsa.dev/provenance/v0.2"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"env": {"LOCKGATE_WORKFLOW": "@"}}, "Which workflow must have built it"),
        ({"env": {"LOCKGATE_GITHUB_TOKEN": ""}}, "no token"),
        ({"release": replace(RELEASE, commit="")}, "names no commit"),
        ({"trusted_root": "nowhere.json"}, "cannot be read as the keys to trust"),
    ],
)
def test_what_cannot_be_judged_is_neither_good_nor_bad(deploying, sigstore, changed, said):
    """It is an error of its own; only where attestations are required it stops the release."""
    with pytest.raises(ProvenanceUnverifiableError, match=said):
        deploying(sigstore.bundle(DIGEST), **changed)
    assert deploying(sigstore.bundle(DIGEST), **{**changed, "attestations": Attestations.WHEN_AVAILABLE}) is None


def test_a_configured_workflow_needs_no_job_on_github(deploying, sigstore):
    """A deploy from elsewhere says in lockgate.yml who must have built it."""
    name = "OWNER/lockgate/.github/workflows/build.yml"
    assert deploying(sigstore.bundle(DIGEST), workflow=name, env={"LOCKGATE_WORKFLOW": ""})
    with pytest.raises(ProvenanceRefusedError):
        deploying(sigstore.bundle(DIGEST), workflow=f"{name}@refs/tags/v2")


def test_a_github_that_says_no_is_githubs_error(deploying, sigstore, github):
    """A token without the permission is told which."""
    github.permissions["attestations"] = "none"
    with pytest.raises(GitHubError) as refused:
        deploying(sigstore.bundle(DIGEST))
    assert "attestations=read" in str(refused.value)


@pytest.mark.parametrize(
    "der", [b"", b"\x0c", b"\x04\x01a", b"\x0c\x02a", b"\x0c\x01ab", b"\x0c\x82\x00", b"\x0c\x01\xff"]
)
def test_a_claim_that_is_no_text_is_refused(der):
    """ASN.1 that was cut off, or is something else."""
    with pytest.raises(ValueError):
        utf8(der)
    assert utf8(b"\x0c\x81\x01a") == "a"


def test_what_github_signs_for_a_private_repository_is_refused_by_name(deploying, sigstore):
    """Its own Sigstore gives a timestamp and no entry of the log: that is not called a signature which does not hold."""
    bundle = sigstore.bundle(DIGEST)
    del bundle["verificationMaterial"]["tlogEntries"]
    with pytest.raises(ProvenanceRefusedError) as refused:
        deploying(bundle)
    assert "GitHub signs so for a private repository, which Lockgate cannot verify" in str(refused.value)


@pytest.mark.parametrize(
    ("private", "ok", "words"),
    [
        (False, [True], ""),
        (True, [True, False], "ada/shop is private: GitHub signs for it with its own Sigstore"),
        (None, [True, None], "GitHub"),
    ],
)
def test_doctor_says_that_a_private_repository_cannot_have_it(tmp_path, github, private, ok, words):
    """Before the first deploy is refused, with what to do instead."""
    github.state.private = private is True
    if private is None:
        github.faults.add(
            "GET", "/repos/ada/shop", status=403, times=9, message="Resource not accessible by integration"
        )
    workflow = tmp_path / ".github" / "workflows" / "deploy.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("attest: true\nattestations: write\n")
    config = Config("shop", provenance=ProvenanceConfig(attestations=Attestations.REQUIRED))
    checks = list(doctor._provenance(stage(tmp_path, config, github.env()).project))
    assert [check.ok for check in checks] == ok
    assert words in checks[-1].text
    assert ("gh attestation verify" in checks[-1].fix) == (private is True)


def test_a_deploy_asks_before_anything_is_changed_and_keeps_what_it_found(shop, github, sigstore):
    """The whole way: refused without a signature, deployed with it, and who signed stands in the ledger."""
    (shop.root / "root.json").write_text(sigstore.trusted_root())
    shop.config["environments"]["production"]["approval"] = "none"
    shop.config["provenance"] = {"attestations": "required", "trusted_root": "root.json"}
    shop.write()
    env = github.env(LOCKGATE_WORKFLOW="OWNER/lockgate@" + "1" * 40)
    (shop.root / "behaviour.json").write_text(json.dumps({"version": "1.0"}))
    image = shop.lockgate("build", LOCKGATE_VERSION="1.0", **env)[1]["image"]
    code, result, _ = shop.lockgate("deploy", "production", **env)
    assert (code, result["decision"], result["reason_code"], shop.serving()) == (47, "error", "provenance_missing", "")
    digest = image.partition("@")[2]
    github.state.attestations[1] = sigstore.bundle(digest, claims(commit=github.state.head))
    code, result, progress = shop.lockgate("deploy", "production", **env)
    assert (code, result["decision"]) == (0, "deployed"), progress
    with sqlite3.connect(shop.state / "ledger.db") as db:
        (opening,) = db.execute("select data from events where kind = 'rollout.started'").fetchone()
    assert json.loads(opening)["dossier"]["provenance"]["commit"] == github.state.head


def test_a_rollback_asks_too_and_whoever_cannot_wait_says_why(shop, github, sigstore):
    """The ledger names what is returned to, and whoever writes it could name anything; the page says it before it is approved."""
    (shop.root / "root.json").write_text(sigstore.trusted_root())
    shop.config["environments"]["production"]["approval"] = "none"
    shop.write()
    env = github.env(LOCKGATE_WORKFLOW="OWNER/lockgate@" + "1" * 40)
    images = []
    for version in ("1.0", "1.1"):
        (shop.root / "behaviour.json").write_text(json.dumps({"version": version}))
        images.append(shop.lockgate("build", LOCKGATE_VERSION=version, **env)[1]["image"])
        assert shop.lockgate("deploy", "production", **env)[0] == 0
    shop.config["provenance"] = {"attestations": "required", "trusted_root": "root.json"}
    shop.write()
    for command, more in (("rollback", {}), ("brief", {"LOCKGATE_REF": "previous"})):
        code, result, said = shop.lockgate(command, "production", **env, **more)
        assert (code, result["reason_code"], shop.serving()) == (47, "provenance_missing", "1.1"), said
        assert 'lockgate rollback production --override "REASON"' in said
    summary = shop.root / "summary.md"
    given = {"LOCKGATE_OVERRIDE": "the shop is down", "GITHUB_STEP_SUMMARY": str(summary)}
    assert shop.lockgate("brief", "production", LOCKGATE_REF="previous", **env, **given)[0] == 0
    assert "who built it; overridden: the shop is down" in summary.read_text()
    code, result, said = shop.lockgate("rollback", "production", "--override", "the shop is down", **env)
    assert (code, result["decision"], shop.serving()) == (0, "deployed", "1.0"), said
    assert "Overridden: the shop is down" in said
    github.state.attestations[1] = sigstore.bundle(images[1].partition("@")[2], claims(commit=github.state.head))
    code, result, said = shop.lockgate("rollback", "production", "--to", "1.1", **env)
    assert (code, result["decision"], shop.serving()) == (0, "deployed", "1.1"), said
    with sqlite3.connect(shop.state / "ledger.db") as db:
        began = db.execute("select data from events where kind = 'rollout.started' order by at").fetchall()
    assert [json.loads(data)["plan"]["override"] for (data,) in began] == ["", "", "the shop is down", ""]
