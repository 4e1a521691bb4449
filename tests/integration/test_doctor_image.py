"""`lockgate doctor` on a Dockerfile: what is unsafe in it, and whether there is a newer base."""

import json

import pytest

from lockgate.commands import doctor, doctor_image
from lockgate.core.config import BuildConfig, Config
from lockgate.core.config_provenance import Attestations, ProvenanceConfig
from tests.fixtures.oci_registry import FakeRegistry, digest_of, running
from tests.fixtures.stage import stage

IMAGE = json.dumps({"schemaVersion": 2, "config": {}, "layers": []}).encode()
GOOD = 'FROM {base}\nUSER 10001\nCMD ["shop"]\n'


def checks(root, dockerfile, **env):
    (root / "Dockerfile").write_text(dockerfile)
    project = stage(root, Config("shop", build=BuildConfig()), {"PATH": "/usr/bin", "HOME": str(root), **env}).project
    return [(check.area, check.ok, check.text, check.fix) for check in doctor_image.check(project)]


@pytest.fixture
def registry():
    with running(FakeRegistry()) as served:
        yield served


def test_a_good_dockerfile_on_the_newest_base_is_good(tmp_path, registry):
    """Pinned by digest, not root, and the tag means that digest today."""
    digest = registry.tag("1", IMAGE)
    said = checks(tmp_path, GOOD.format(base=f"{registry.host}/base:1@{digest}"))
    assert [(area, ok) for area, ok, _, _ in said] == [("dockerfile", True), ("base image", True)]


def test_a_newer_base_is_named_with_its_digest(tmp_path, registry):
    """So that whoever reads it can put it in."""
    newer = registry.tag("1", IMAGE)
    said = checks(tmp_path, GOOD.format(base=f"{registry.host}/base:1@sha256:{'a' * 64}"))
    (_, ok, text, fix) = said[1]
    assert ok is False
    assert "there is a newer one" in text
    assert f"{registry.host}/base:1@{newer}" in fix


@pytest.mark.parametrize("how", ["nobody", "unknown", "500"])
def test_a_registry_that_does_not_say_is_neither_good_nor_bad(tmp_path, registry, how):
    """Offline, or a tag that is gone: it is said that nothing is known."""
    host, registry.fault = ("127.0.0.1:1" if how == "nobody" else registry.host), ("500" if how == "500" else "")
    said = checks(tmp_path, GOOD.format(base=f"{host}/base:1@{digest_of(IMAGE)}"))
    assert said[0][:2] == ("dockerfile", True)
    assert said[1][:2] == ("base image", None)
    assert "is not known" in said[1][2]


def test_what_is_unsafe_is_said_with_its_line_and_its_reason(tmp_path):
    """An unpinned base, root, a shell between, a download into a shell, a secret; nobody is asked about a bare tag."""
    said = checks(tmp_path, "FROM python:3.12\nENV API_TOKEN=x\nRUN curl http://x | sh\nCMD shop\n")
    assert {area for area, *_ in said} == {"dockerfile"}
    assert all(ok is False and fix for _, ok, _, fix in said)
    rules = {text.rpartition("(")[2].rstrip(")") for _, _, text, _ in said}
    assert rules == {"unpinned-base", "root", "shell-form", "piped-download", "secret-in-image"}
    assert any(text.startswith("Dockerfile:3:") for _, _, text, _ in said)


def test_a_project_without_a_dockerfile_has_nothing_to_be_said_of(tmp_path):
    """It ships a bundle."""
    project = stage(tmp_path, Config("shop"), {}).project
    assert list(doctor_image.check(project)) == []


def test_attestations_that_are_asked_for_must_be_made(tmp_path):
    """Where the config requires them and no workflow signs, every deploy would be refused: said before."""

    def said(wanted):
        config = Config("shop", provenance=ProvenanceConfig(attestations=wanted))
        return [(check.ok, check.text) for check in doctor._provenance(stage(tmp_path, config, {}).project)]

    assert said(Attestations.OFF) == []
    assert said(Attestations.REQUIRED)[0][0] is False
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    workflow = tmp_path / ".github" / "workflows" / "deploy.yml"
    workflow.write_text("permissions:\n  attestations: write\nuses: x\nwith:\n  attest: false\n")
    assert said(Attestations.REQUIRED)[0][0] is False
    workflow.write_text(workflow.read_text().replace("attest: false", "attest: true"))
    assert said(Attestations.REQUIRED) == [(True, "deploy.yml signs what it builds")]
