"""The traps of running Trivy by trivy-action, each shown closed here: the table in docs/scanning.md is made from this."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockgate.adapters import trivy_database
from lockgate.commands import scan as command
from lockgate.core.config_scan import ExceptionConfig
from lockgate.core.reasons import Decision, Reason
from lockgate.errors import ScannerFailedError, ScannerUntrustedError
from tests.fixtures.trivy_db import database, registry
from tests.integration.test_scan_command import ENV, VULNERABILITIES_ONLY, pretending, run_scan

DOCS = Path(__file__).parents[2] / "docs" / "scanning.md"
VULNERABLE = "werkzeug==3.0.1\n"


@dataclass(frozen=True)
class Trap:
    """What happens elsewhere, where that is written down, and what is so here."""

    what: str
    thread: str
    here: str


TRAPS = {
    "sarif": Trap(
        "with `format: sarif` the `severity` input is dropped, and the gate is another one",
        "trivy-action#309, #281, #228",
        "the verdict is made from the JSON alone; SARIF is converted from it afterwards and gates nothing",
    ),
    "exit": Trap(
        'exit code 1 is "found something" and "could not scan" alike',
        "trivy#3478, trivy#2959",
        "Trivy's code never says what was found: findings end with 30, a scanner that failed with 32",
    ),
    "swallowed": Trap(
        "a step after the scan resets the exit code, and the job is green",
        "trivy-action#483",
        "one process scans, decides and ends with its own code; the decision is an output, too",
    ),
    "default": Trap(
        "`exit-code` is 0 unless it is set, so findings stop nothing",
        "trivy#2959",
        "a vulnerability of CRITICAL or HIGH that has a fix stops the release unless the config says otherwise",
    ),
    "leak": Trap(
        "inputs of one step reach the next as `TRIVY_*` variables",
        "trivy-action#422",
        "Trivy's environment is empty but for our own settings",
    ),
    "switch": Trap(
        "`trivy.yaml`, `.trivyignore` and `trivy-secret.yaml` in the scanned tree are obeyed: a pull request can switch its "
        "scan off",
        "Trivy's documentation",
        "Trivy runs in an empty directory; exceptions stand in lockgate.yml, with an owner and an end",
    ),
    "comment": Trap(
        "`#trivy:ignore:*` in the source hides its own misconfigurations; in a Dockerfile neither report nor log says so",
        "Trivy 0.76.0, measured",
        "what the source hides is listed and blocks, unless an exception in lockgate.yml covers the rule in that file",
    ),
    "unread": Trap(
        "a lock file that cannot be parsed is left out, and the scan is clean",
        "Trivy 0.76.0, measured",
        "what could not be read is named; where vulnerabilities are `required` it is an error",
    ),
    "limited": Trap(
        "the database's registry answers TOOMANYREQUESTS, and the job fails",
        "trivy-action#389, #430, trivy-db#442",
        "mirrors in order, pauses that grow, the copy of the last run until its greatest age",
    ),
    "moved": Trap(
        "76 of 77 tags were moved to a version that steals credentials (March 2026)",
        "trivy-action#541, CVE-2026-33634",
        "one binary by its SHA-256, checked before every start; 0.69.4 to 0.69.6 are refused by name",
    ),
}
CLOSED: dict[str, object] = {}


def closes(name):
    """Mark the test that shows a trap closed."""

    def mark(test):
        CLOSED[name] = test
        return test

    return mark


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    return database.write(tmp_path_factory.mktemp("db"), built=datetime.now(UTC))


@pytest.fixture
def source(tmp_path):
    (tmp_path / "requirements.txt").write_text(VULNERABLE)
    return tmp_path


def test_the_table_in_the_docs_is_this_one():
    """Every trap has a test that closes it, and the docs show what the tests show."""
    assert set(CLOSED) == set(TRAPS)
    rows = [f"| {trap.what} | {trap.thread} | {trap.here} |" for trap in TRAPS.values()]
    table = "\n".join(["| the trap | written down in | here |", "|---|---|---|", *rows])
    assert f"<!-- traps: tests/integration/test_scan_traps.py -->\n\n{table}\n" in DOCS.read_text(encoding="utf-8")


@closes("sarif")
def test_sarif_does_not_change_the_gate(source, db, monkeypatch):
    """The same source has the same verdict with and without reports, and severities below the gate are in the SARIF."""
    settings = {**VULNERABILITIES_ONLY, "database": str(db), "block": ("CRITICAL",)}
    plain, _ = run_scan(source, **settings)
    monkeypatch.setitem(ENV, "LOCKGATE_OUTPUT", str(source / "out"))
    reported, _ = run_scan(source, **settings)
    assert (plain.decision, reported.decision) == (Decision.PASSED, Decision.PASSED)
    results = json.loads((source / "out" / "scan.sarif").read_text())["runs"][0]["results"]
    assert [one["ruleId"] for one in results] == [database.WERKZEUG]
    assert run_scan(source, **{**settings, "block": ("HIGH",)})[0].decision is Decision.FAILED


@closes("exit")
def test_findings_and_a_crash_are_two_things(source, db, tmp_path_factory):
    """A Trivy that ends with 1 found nothing: it failed."""
    result, _ = run_scan(source, **VULNERABILITIES_ONLY, database=str(db))
    assert (result.reason, result.exit_code) == (Reason.FINDINGS, 30)
    program, pin = pretending(tmp_path_factory.mktemp("bin"), "exit 1")
    with pytest.raises(ScannerFailedError) as caught:
        run_scan(source, binary=program, pin=pin, **VULNERABILITIES_ONLY, database=str(db))
    assert (caught.value.exit_code, caught.value.decision) == (32, Decision.ERROR)


@closes("swallowed")
@closes("default")
def test_findings_end_the_process_with_their_own_code(source, db, tmp_path):
    """Nothing has to be set for that, and nothing comes after it."""
    config = (
        f"service: shop\nbuild: {{kind: docker}}\nscan: {{misconfiguration: false, database: {json.dumps(str(db))}}}\n"
    )
    (source / "lockgate.yml").write_text(config)
    output = tmp_path / "output.txt"
    package = Path(command.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "lockgate", "scan"],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(package), "GITHUB_OUTPUT": str(output)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 30, done.stderr
    assert "\nfailed\n" in output.read_text()


@closes("leak")
def test_no_variable_of_the_job_reaches_trivy(source, db, monkeypatch):
    """What would skip the file, hide the severity or point elsewhere changes nothing."""
    for name, value in {
        "TRIVY_SEVERITY": "LOW",
        "TRIVY_SKIP_FILES": "requirements.txt",
        "TRIVY_IGNORE_UNFIXED": "true",
        "TRIVY_CONFIG": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setitem(ENV, name, value)
    result, _ = run_scan(source, **VULNERABILITIES_ONLY, database=str(db))
    assert result.reason is Reason.FINDINGS


@closes("switch")
def test_the_scanned_tree_is_not_obeyed(source, db):
    """Trivy's own files in the source are only files."""
    (source / "trivy.yaml").write_text("scan:\n  skip-files: [requirements.txt]\n")
    (source / ".trivyignore").write_text(f"{database.WERKZEUG}\n")
    (source / ".trivyignore.yaml").write_text(f"vulnerabilities:\n  - id: {database.WERKZEUG}\n")
    assert run_scan(source, **VULNERABILITIES_ONLY, database=str(db))[0].reason is Reason.FINDINGS


HIDING = {
    "Dockerfile": "FROM python:latest\n# trivy:ignore:DS-0004\nEXPOSE 22\nUSER 1\nHEALTHCHECK CMD true\n",
    "main.tf": '#trivy:ignore:*\nresource "aws_s3_bucket" "b" {\n  bucket = "x"\n}\n',
    "stack.yaml": 'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  B:\n    #trivy:ignore:*\n'
    "    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: x\n",
}
"""A name of a file, and a comment in it that Trivy obeys."""


@closes("comment")
def test_the_source_hides_nothing_by_a_comment(tmp_path):
    """Each rule that it hides is a finding with its place, until an exception for that file covers it."""
    folder = tmp_path / "my app"
    folder.mkdir()
    settings = {"secrets": False, "block": ()}
    for name, text in HIDING.items():
        (folder / name).write_text(text.replace("ignore", "nothing"))
    assert run_scan(tmp_path, **settings)[0].decision is Decision.PASSED
    for name, text in HIDING.items():
        (folder / name).write_text(text)
    result, made = run_scan(tmp_path, **settings)
    assert (result.decision, result.reason) == (Decision.FAILED, Reason.FINDINGS)
    found = result.data["blocking"]["findings"]
    assert {one["file"] for one in found} == {f"my app/{name}" for name in HIDING}
    assert all(one["line"] for one in found)
    assert "hidden from the scan by the source" in result.summary
    for name in HIDING:
        assert f"::error file=my app/{name},line=" in made.log.getvalue()
    accepted = [ExceptionConfig(one["id"], one["file"], "why", "ann", "2099-01-31") for one in found]
    passed, _ = run_scan(tmp_path, **settings, exceptions=tuple(accepted))
    assert (passed.decision, passed.data["accepted"]["total"]) == (Decision.PASSED, len(found))
    missing = [next(one for one in accepted if one.package == f"my app/{name}") for name in HIDING]
    less, _ = run_scan(tmp_path, **settings, exceptions=tuple(one for one in accepted if one not in missing))
    assert less.data["blocking"]["total"] == len(HIDING)


NOT_HIDING = {
    "pod.yaml": "apiVersion: v1 #M\nkind: Pod #M\nmetadata: {name: x} #M\nspec: #M\n  #M\n  containers: #M\n"
    "    #M\n    - name: a #M\n      image: x:latest #M\n",
    "play.yml": "- hosts: all #M\n  tasks: #M\n    #M\n    - name: x #M\n      #M\n      amazon.aws.s3_bucket: #M\n"
    "        #M\n        name: x #M\n",
}


def test_where_trivy_obeys_no_comment(tmp_path):
    """Kubernetes and Ansible are found with and without one. Should a later Trivy obey there, it must be looked for."""

    def found(mark):
        for name, text in NOT_HIDING.items():
            (tmp_path / name).write_text(text.replace("#M", mark))
        data = run_scan(tmp_path, secrets=False)[0].data
        return data["misconfigurations"]["counts"], data["blocking"]

    plain = found("#M")
    assert {one["file"] for one in plain[1]["findings"]} == set(NOT_HIDING)
    assert found("#trivy:ignore:*") == plain


@closes("unread")
def test_what_could_not_be_read_is_no_pass(source, db):
    """A broken lock file is an error where it had to be looked up."""
    (source / "poetry.lock").write_text("{ broken")
    with pytest.raises(ScannerFailedError, match=r"could not read poetry\.lock"):
        run_scan(source, **VULNERABILITIES_ONLY, database=str(db))


@closes("limited")
def test_a_limited_registry_is_asked_again(source, db, monkeypatch):
    """Two refusals, then the database: the scan goes on."""
    monkeypatch.setattr(trivy_database, "_PAUSES", (0.01, 0.01, 0.01))
    with registry.serving(db, "429", faults=2) as repository:
        assert run_scan(source, **VULNERABILITIES_ONLY, database=repository)[0].reason is Reason.FINDINGS


@closes("moved")
def test_only_the_reviewed_binary_runs(source, tmp_path_factory):
    """Another binary under the same name does not start."""
    folder = tmp_path_factory.mktemp("bin")
    program, _ = pretending(folder, f"touch {folder}/ran")
    with pytest.raises(ScannerUntrustedError):
        run_scan(source, binary=program)
    assert not (folder / "ran").exists()
