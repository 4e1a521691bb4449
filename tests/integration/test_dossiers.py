"""The dossier on its way: from the stages' results through the build's folder into the ledger."""

import dataclasses
import json

import pytest

from lockgate.adapters import dossier_file
from lockgate.adapters.runner import Runner
from lockgate.commands import dossiers
from lockgate.core.config import Config
from lockgate.core.reasons import Decision, Reason
from lockgate.core.release import Artifact, Release
from lockgate.core.result import Result
from lockgate.errors import DossierInvalidError
from tests.fixtures.stage import stage
from tests.unit.core.test_dossier import BUILD, SCANNED, TESTED, found

RELEASE = Release("shop", "v1", "0" * 40, Artifact.parse("bundle:shop@sha256:" + "a" * 64))


def opened(tmp_path, evidence=""):
    return stage(tmp_path, Config("shop"), {"LOCKGATE_EVIDENCE": evidence}).project


def line(command, data, **more):
    return json.dumps(found(command, data, commit="0" * 40, **more))


def test_evidence_of_other_jobs_joins_and_travels(tmp_path):
    """What the jobs before handed on is in the folder that travels, and a later stage's is added at the deploy."""
    output = tmp_path / "out"
    output.mkdir()
    project = opened(tmp_path / "a", line("test", TESTED) + "\n\n" + line("scan", SCANNED) + "\n")
    begun = dossiers.begin(project, RELEASE, BUILD, output)
    assert set(begun.evidence) == {"test", "scan"}
    later = opened(tmp_path / "b", line("scan", SCANNED, image=str(RELEASE.artifact)))
    known = dossiers.find(later, dataclasses.replace(RELEASE, version="v1 again"), output)
    assert set(known.evidence) == {"test", "scan", "scan-image"}


def test_on_one_machine_the_stages_own_results_are_taken(tmp_path):
    """Without jobs, what test and scan kept here is the evidence, if it is about this commit."""
    project = opened(tmp_path)
    (tmp_path / ".lockgate").mkdir()
    project.keep(Result("test", Decision.PASSED, Reason.OK, "fine", commit="0" * 40, data=TESTED))
    project.keep(Result("scan", Decision.PASSED, Reason.OK, "fine", commit="1" * 40, data=SCANNED))
    (tmp_path / ".lockgate" / "results" / "other.json").write_text("{")
    assert set(dossiers.begin(project, RELEASE, BUILD, None).evidence) == {"test"}
    assert dossiers.find(project, RELEASE, None).evidence["test"]["message"] == "fine"


@pytest.mark.parametrize(
    "evidence",
    ["{", "[]", '"x"', "1", "{}", line("test", TESTED).replace("0" * 40, "1" * 40), line("test", {**TESTED, "coverage": {"share": 7}}), "[" * 100_000, " " + "x" * 300_000],
    ids=["cut off", "list", "text", "number", "empty", "other commit", "impossible share", "deep", "large"],
)  # fmt: skip
def test_evidence_that_is_none_is_refused(tmp_path, evidence):
    """Text from another job is not believed, and ends in no traceback."""
    with pytest.raises(DossierInvalidError):
        dossiers.begin(opened(tmp_path, evidence), RELEASE, BUILD, None)


@pytest.mark.parametrize(
    "change",
    [
        {"service": "other"},
        {"commit": "1" * 40},
        {"artifact": Artifact.parse("bundle:shop@sha256:" + "b" * 64)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_dossier_of_another_release_is_refused(tmp_path, change):
    """A folder whose dossier names another service, commit or digest is not what the build wrote."""
    dossiers.begin(opened(tmp_path / "a"), dataclasses.replace(RELEASE, **change), BUILD, tmp_path)
    with pytest.raises(DossierInvalidError, match="is to be deployed"):
        dossiers.find(opened(tmp_path / "b"), RELEASE, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema": 2}', "[" * 60_000, "x" * 300_000])
def test_a_file_that_is_no_dossier_is_refused(tmp_path, text):
    """Cut off, empty, another format, a bomb."""
    (tmp_path / dossier_file.NAME).write_text(text)
    with pytest.raises(DossierInvalidError):
        dossier_file.read(tmp_path / dossier_file.NAME)


def test_only_a_stage_that_judged_hands_on_evidence(tmp_path):
    """The output `evidence` is one line of JSON for test and scan, and empty for the rest."""
    output = tmp_path / "output"
    runner = Runner({"GITHUB_OUTPUT": str(output)})
    project = dataclasses.replace(opened(tmp_path), runner=runner)
    project.publish(Result("test", Decision.PASSED, Reason.OK, "a\nb", commit="0" * 40, data=TESTED))
    text = output.read_text()
    (one,) = [row for row in text.split("\n") if row.startswith('{"stage"')]
    assert dossier_file.evidence(one)[0]["stage"] == "test"
