"""The dossier: joined by commit and digest, and exactly what its schema says."""

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lockgate.core.dossier import Dossier, Source, budgets, digest, evidence
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Artifact, Release
from lockgate.core.result import BudgetLine, Result

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[3] / "schemas" / "dossier.schema.json").read_text()))
COMMIT = "c" * 40
ARTIFACT = "image:registry.example/shop@sha256:" + "a" * 64
RELEASE = Release("shop", "v1", COMMIT, Artifact.parse(ARTIFACT))
BUILD = {"builder": "docker", "size": 5, "epoch": 1, "base": ["python@sha256:x"], "parts": [{"name": "app", "size": 5}],
         "budgets": [BudgetLine("image", 10, 5, "bytes", kept=True).to_dict()]}  # fmt: skip
TESTED = {
    "exit_code": 0,
    "tests": {"total": 3, "passed": 2, "failed": 0, "errors": 0, "skipped": 1, "seconds": 0.1},
    "coverage": {"share": 0.95, "covered": 19, "lines": 20, "files": []},
}
SCANNED = {
    "vulnerabilities": {"judged": True, "reason": "", "counts": {"HIGH": 2}},
    "secrets": {"judged": True, "reason": "", "counts": {}},
    "misconfigurations": {"judged": False, "reason": "", "counts": {}},
    "blocking": {"total": 0, "counts": {}, "findings": []},
    "trivy": "0.76.0",
    "database": {"updated": "2026-01-01T00:00:00Z", "age_days": 1.0, "digest": "sha256:" + "d" * 64, "note": ""},
}


COVERAGE = BudgetLine("coverage", 0.9, 0.95, "share", kept=True)


def found(command, data, image="", commit=COMMIT):
    budgets = (COVERAGE,) if command == "test" else ()
    result = Result(command, Decision.PASSED, Reason.OK, "well", commit=commit, image=image, data=data, budgets=budgets)
    return evidence(result.to_dict())


def whole():
    stages = [
        found("test", TESTED),
        found("scan", SCANNED),
        found("scan", {**SCANNED, "sbom": {"cyclonedx": "sha256:" + "b" * 64}}, ARTIFACT),
    ]
    return Dossier(
        RELEASE, Source("o/r", "refs/heads/main", "o/r/.github/workflows/d.yml@refs/heads/main", "u"), BUILD
    ).with_evidence(stages)


def test_what_is_written_is_read_and_fits_the_schema():
    """All three stages' evidence survives the way through JSON, and the schema allows it."""
    document = json.loads(json.dumps(whole().to_dict()))
    assert list(SCHEMA.iter_errors(document)) == []
    assert Dossier.from_dict(document) == whole()
    assert list(document["evidence"]) == ["test", "scan", "scan-image"]
    assert document["evidence"]["test"]["facts"] == {
        "tests": {"total": 3, "passed": 2, "failed": 0, "errors": 0, "skipped": 1},
        "coverage": 0.95,
    }
    assert budgets(document) == [COVERAGE.to_dict(), *BUILD["budgets"]]
    assert budgets(None) == budgets({**document, "build": {}, "evidence": {}}) == []
    facts = document["evidence"]["scan"]["facts"]
    assert facts["counts"] == {"vulnerabilities": {"HIGH": 2}, "secrets": {}}, (
        "a class that was not judged has no count"
    )
    assert facts["database"]["digest"] == "sha256:" + "d" * 64


@pytest.mark.parametrize(
    ("commit", "image"), [("d" * 40, ""), ("", ""), (COMMIT, ARTIFACT.replace("a" * 64, "e" * 64))]
)
def test_evidence_about_something_else_is_refused(commit, image):
    """Another commit, none, or another image: it says nothing about this release."""
    with pytest.raises(ValueError, match="is about"):
        Dossier(RELEASE).with_evidence([found("scan", SCANNED, image, commit)])


@pytest.mark.parametrize("command", ["build", "deploy", "validate"])
def test_other_commands_give_no_evidence(command):
    """Only a stage that judged the release adds to its dossier; one that could not even begin has found nothing."""
    assert found(command, TESTED) is None
    assert found("test", {}) is None


def test_a_dossier_that_contradicts_itself_is_refused():
    """Two digests, or evidence filed under another stage's name."""
    two = copy.deepcopy(whole().to_dict())
    two["release"]["digest"] = "sha256:" + "f" * 64
    with pytest.raises(ValueError, match="two digests"):
        Dossier.from_dict(two)
    misfiled = copy.deepcopy(whole().to_dict())
    misfiled["evidence"]["scan-image"] = misfiled["evidence"]["scan"]
    with pytest.raises(ValueError, match="another stage"):
        Dossier.from_dict(misfiled)


def test_the_digest_of_a_result_depends_on_its_content_alone():
    """Key order and spaces do not matter, every value does."""
    assert digest({"a": 1, "b": "é"}) == digest({"b": "é", "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
