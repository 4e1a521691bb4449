"""`lockgate scan`: the real Trivy on small sources, and programs that only pretend to be it."""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lockgate.adapters import trivy_binary
from lockgate.adapters.trivy_pin import PIN
from lockgate.commands import scan as command
from lockgate.core.config import Config
from lockgate.core.config_scan import ScanConfig, Vulnerabilities
from lockgate.core.pin import Pin
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import (
    ConfigInvalidError,
    DatabaseStaleError,
    DatabaseUnavailableError,
    ScannerFailedError,
    ScannerMissingError,
    ScannerUntrustedError,
    ScanReportMalformedError,
)
from tests.fixtures.stage import Stage, stage
from tests.fixtures.trivy_db import database, registry

REQUIRED, WHEN_AVAILABLE, OFF = Vulnerabilities.REQUIRED, Vulnerabilities.WHEN_AVAILABLE, Vulnerabilities.OFF
ENV = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
KEY = "AKIA" + "QYLPMN5HHHFPZAM2"
"""Has the form of an AWS key, and was put together here so that no scan of this repository finds one."""
CLEAN = json.dumps(
    {"SchemaVersion": 2, "Trivy": {"Version": PIN.version}, "ArtifactType": "filesystem", "ArtifactName": "x"}
)


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    """The fixture database, as a directory."""
    return database.write(tmp_path_factory.mktemp("db"), built=datetime.now(UTC))


@pytest.fixture
def source(tmp_path):
    """An empty source tree."""
    return tmp_path


VULNERABILITIES_ONLY = {"vulnerabilities": REQUIRED, "secrets": False, "misconfiguration": False}
"""Loading the checks for misconfiguration takes a second: only tests about them do."""


def run_scan(root: Path, *, binary: Path | None = None, pin: Pin = PIN, **settings: object) -> tuple[Result, Stage]:
    config = Config("shop", scan=ScanConfig(**{"vulnerabilities": OFF, "timeout": 60.0, **settings}))
    made = stage(root, config, ENV)
    return command.run(made.project, argparse.Namespace(), binary=binary, pin=pin), made


def pretending(folder: Path, script: str) -> tuple[Path, Pin]:
    """Make a program that plays Trivy, and a pin that trusts it. `$report` is where the report belongs."""
    program = folder / "trivy"
    find = 'for a in "$@"; do case $a in --output=*) report=${a#--output=};; esac; done\n'
    program.write_text(f"#!/bin/sh\n{find}{script}\n")
    program.chmod(0o755)
    return program, replace(PIN, sha256={hashlib.sha256(program.read_bytes()).hexdigest(): "test"})


# --- findings, by the real Trivy


def test_clean_source_passes(source, db):
    """Nothing found in every class that was asked for is a pass, and each class says that it was judged."""
    (source / "requirements.txt").write_text("lockgate-made-up-harmless==1.0\n")
    result, made = run_scan(source, vulnerabilities=REQUIRED, database=str(db))
    assert (result.decision, result.reason, result.exit_code) == (Decision.PASSED, Reason.OK, 0)
    assert result.message == "Nothing was found."
    assert all(result.data[kind]["judged"] for kind in ("vulnerabilities", "secrets", "misconfigurations"))
    assert result.data["packages"] == 1
    assert result.data["trivy"] == "0.76.0"
    assert result.data["database"]["digest"] == _digest(db / "trivy.db")
    assert 0 <= result.data["database"]["age_days"] < 1
    assert 0 < result.seconds.tool < result.seconds.total
    assert "::error" not in made.log.getvalue()
    json.dumps(result.to_dict())


def test_vulnerable_package_blocks(source, db):
    """A fixable critical vulnerability blocks, with package, file, line and the fix; an unfixed one is tolerated."""
    (source / "requirements.txt").write_text(f"# comment\n{database.PACKAGE}==1.1.0\n")
    result, made = run_scan(source, **VULNERABILITIES_ONLY, database=str(db))
    assert (result.decision, result.reason, result.exit_code) == (Decision.FAILED, Reason.FINDINGS, 30)
    assert result.message == "1 vulnerability must not ship: CVE-0000-0001."
    (finding,) = result.data["blocking"]["findings"]
    assert (finding["file"], finding["line"]) == ("requirements.txt", 2)
    assert (finding["subject"], finding["fix"]) == (f"{database.PACKAGE} 1.1.0", "upgrade to 1.2.0")
    assert result.data["vulnerabilities"]["counts"] == {"CRITICAL": 1, "HIGH": 1}
    assert "::error file=requirements.txt,line=2,title=critical vulnerability::" in made.log.getvalue()
    assert "upgrade to 1.2.0" in result.summary
    assert "CVE-0000-0001" in made.console.getvalue()


def test_unfixed_vulnerability_blocks_if_the_policy_says_so(source, db):
    """With ignore_unfixed off, what has no fix blocks too."""
    (source / "requirements.txt").write_text(f"{database.PACKAGE}==1.3.0\n")
    assert run_scan(source, **VULNERABILITIES_ONLY, database=str(db))[0].decision is Decision.PASSED
    strict, _ = run_scan(source, **VULNERABILITIES_ONLY, database=str(db), ignore_unfixed=False)
    assert [finding["id"] for finding in strict.data["blocking"]["findings"]] == ["CVE-0000-0002"]


def test_secret_and_misconfiguration_block_and_the_secret_is_shown_nowhere(source):
    """A planted key and a root image block; the key's value is in no output."""
    (source / "settings.py").write_text(f'import os\nkey = "{KEY}"\n')
    (source / "Dockerfile").write_text('FROM python:3.13\nCMD ["python"]\n')
    result, made = run_scan(source)
    assert result.message == "1 secret, 1 misconfiguration must not ship: aws-access-key-id, DS-0002."
    secret, misconfiguration = result.data["blocking"]["findings"]
    assert (secret["file"], secret["line"]) == ("settings.py", 2)
    assert (misconfiguration["id"], misconfiguration["file"]) == ("DS-0002", "Dockerfile")
    told = json.dumps(result.to_dict()) + result.summary + made.console.getvalue() + made.log.getvalue()
    assert KEY not in told


def test_source_cannot_switch_its_scan_off(source):
    """Trivy's own settings and ignore files in the source are not obeyed."""
    (source / "settings.py").write_text(f'key = "{KEY}"\n')
    (source / "trivy.yaml").write_text("scan:\n  skip-files: [settings.py]\n")
    (source / ".trivyignore").write_text("aws-access-key-id\n")
    (source / "trivy-secret.yaml").write_text("disable-rules: [aws-access-key-id]\n")
    assert run_scan(source, misconfiguration=False)[0].reason is Reason.FINDINGS


def test_skipped_paths_are_not_scanned(source):
    """scan.skip takes files and folders, commas in them too; Lockgate's own folders are always left out."""
    for folder in ("a,b", "vendor", ".venv", ".lockgate", ".git"):
        (source / folder).mkdir()
        (source / folder / "x.py").write_text(f'key = "{KEY}"\n')
    (source / "one.py").write_text(f'key = "{KEY}"\n')
    result, _ = run_scan(source, misconfiguration=False, skip=("a,b", "vendor", "one.py"))
    assert result.decision is Decision.PASSED
    result, _ = run_scan(source, misconfiguration=False)
    assert {finding["file"] for finding in result.data["blocking"]["findings"]} == {"a,b/x.py", "vendor/x.py", "one.py"}


def test_workspace_is_left_as_it_was(source):
    """The report goes to a private folder: nothing appears in the source."""
    (source / "app.py").write_text("print()\n")
    run_scan(source)
    assert sorted(path.name for path in source.iterdir()) == ["app.py"]


def test_lock_file_that_trivy_passes_over_was_not_judged(source, db):
    """Trivy ends well and reports nothing on a broken lock file: required vulnerabilities were not judged then."""
    (source / "package-lock.json").write_text("{ broken")
    with pytest.raises(ScannerFailedError, match=r"could not read package-lock\.json") as caught:
        run_scan(source, **VULNERABILITIES_ONLY, database=str(db))
    assert caught.value.exit_code == 32
    result, made = run_scan(source, vulnerabilities=WHEN_AVAILABLE, misconfiguration=False, database=str(db))
    assert result.data["unread"][0]["file"] == "package-lock.json"
    assert "could not read package-lock.json" in made.console.getvalue()


def test_unreadable_configuration_is_said(source):
    """A Dockerfile that does not parse is named; it is no vulnerability's hiding place, so it stops nothing."""
    (source / "Dockerfile").write_text("FROM scratch\n$$$\n")
    result, _ = run_scan(source, secrets=False)
    assert result.decision is Decision.PASSED
    assert result.data["unread"][0]["configuration"] is True
    assert "Dockerfile" in result.summary


# --- the database


def test_old_database_is_no_basis_for_a_verdict(source, tmp_path_factory):
    """Past its greatest age a database is as good as none, with an exit code of its own; until then its age is told."""
    old = database.write(tmp_path_factory.mktemp("old"), built=datetime.now(UTC) - timedelta(days=30))
    with pytest.raises(DatabaseStaleError, match="30 days old") as caught:
        run_scan(source, **VULNERABILITIES_ONLY, database=str(old))
    assert caught.value.exit_code == 36
    result, made = run_scan(source, **VULNERABILITIES_ONLY, database=str(old), max_age=31 * 86_400.0)
    assert result.decision is Decision.PASSED
    assert "30 days old" in made.console.getvalue()
    assert "there was nothing to look up" in made.console.getvalue()
    result, _ = run_scan(source, vulnerabilities=WHEN_AVAILABLE, misconfiguration=False, database=str(old))
    assert "30 days old" in result.data["vulnerabilities"]["reason"]


def test_a_database_from_the_future_is_no_basis_for_a_verdict(source, tmp_path_factory):
    """It would never be too old: a copy that says so was made to, or the clock is wrong."""
    coming = database.write(tmp_path_factory.mktemp("coming"), built=datetime.now(UTC) + timedelta(days=300))
    with pytest.raises(DatabaseUnavailableError, match="built in the future") as caught:
        run_scan(source, **VULNERABILITIES_ONLY, database=str(coming))
    assert caught.value.exit_code == 35
    soon = database.write(tmp_path_factory.mktemp("soon"), built=datetime.now(UTC) + timedelta(minutes=5))
    assert run_scan(source, **VULNERABILITIES_ONLY, database=str(soon))[0].decision is Decision.PASSED


def test_database_from_a_registry_is_fetched_and_kept(source, db):
    """An OCI repository is asked; when it is gone, the copy of the earlier run is used, and that is said."""
    (source / "requirements.txt").write_text(f"{database.PACKAGE}==1.1.0\n")
    with registry.serving(db) as repository:
        first, _ = run_scan(source, **VULNERABILITIES_ONLY, database=repository)
    assert first.reason is Reason.FINDINGS
    kept = source / ".lockgate" / "trivy" / "db"
    metadata = json.loads((kept / "metadata.json").read_text())
    past = "2020-01-01T00:00:00Z"
    (kept / "metadata.json").write_text(json.dumps({**metadata, "NextUpdate": past, "DownloadedAt": past}))
    second, made = run_scan(source, **VULNERABILITIES_ONLY, database=repository)
    assert second.reason is Reason.FINDINGS
    assert "The copy here was used" in made.console.getvalue()


@pytest.mark.parametrize("setting", ["no/such/folder", "./empty", "127.0.0.1:1/trivy-db:2"])
def test_required_database_that_cannot_be_had(source, setting):
    """Could not judge is an error with its own exit code, not a pass, and says how to go on."""
    (source / "empty").mkdir()
    with pytest.raises(DatabaseUnavailableError) as caught:
        run_scan(source, vulnerabilities=REQUIRED, database=setting)
    assert caught.value.exit_code == 35
    assert caught.value.decision is Decision.ERROR
    assert "scan.database" in caught.value.fix


@pytest.mark.parametrize("setting", ["no/such/folder", "127.0.0.1:1/trivy-db:2"])
def test_without_a_database_the_rest_is_judged_and_that_is_said_loudly(source, setting):
    """`when-available` goes on: what was not judged stands in message, console, summary, annotation and data."""
    result, made = run_scan(source, vulnerabilities=WHEN_AVAILABLE, database=setting, misconfiguration=False)
    assert result.decision is Decision.PASSED
    assert result.data["vulnerabilities"]["judged"] is False
    assert result.data["vulnerabilities"]["reason"]
    assert result.data["secrets"]["judged"] is True
    assert result.data["database"] is None
    for place in (result.message, result.summary, made.console.getvalue(), made.log.getvalue()):
        assert "Vulnerabilities were NOT judged" in place


def test_damaged_database(source, db, tmp_path_factory):
    """A database that Trivy will not open is as good as none."""
    damaged = tmp_path_factory.mktemp("damaged")
    shutil.copy(db / "metadata.json", damaged)
    (damaged / "trivy.db").write_bytes(b"garbage")
    with pytest.raises(DatabaseUnavailableError, match="would not take"):
        run_scan(source, **VULNERABILITIES_ONLY, database=str(damaged))
    result, _ = run_scan(source, vulnerabilities=WHEN_AVAILABLE, misconfiguration=False, database=str(damaged))
    assert result.data["vulnerabilities"]["judged"] is False


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_database_that_does_not_come_holds_nobody_up(source, db, fault):
    """A registry that hangs, or sends a byte now and then, costs a bounded time, and the rest is judged."""
    began = time.monotonic()
    with registry.serving(db, fault) as repository:
        result, _ = run_scan(
            source, vulnerabilities=WHEN_AVAILABLE, misconfiguration=False, database=repository, timeout=1.0
        )
    assert "was not there after" in result.data["vulnerabilities"]["reason"]
    assert result.data["secrets"]["judged"] is True
    assert time.monotonic() - began < 10


def test_without_a_database_and_with_all_else_off_nothing_was_judged(source):
    """`when-available` never turns into a pass that looked at nothing."""
    with pytest.raises(DatabaseUnavailableError):
        run_scan(source, vulnerabilities=WHEN_AVAILABLE, database="none", secrets=False, misconfiguration=False)


def test_everything_off_is_a_config_error(source):
    """A scan that is asked to judge nothing does not pass."""
    with pytest.raises(ConfigInvalidError, match="nothing to judge"):
        run_scan(source, secrets=False, misconfiguration=False)


# --- a Trivy that is missing, not the pinned one, or misbehaves


def test_missing_scanner(tmp_path):
    """Where there is no Trivy, the error says how to get the pinned one."""
    with pytest.raises(ScannerMissingError) as caught:
        trivy_binary.find(tmp_path, str(tmp_path), PIN)
    assert caught.value.exit_code == 31
    assert PIN.install in caught.value.fix


def test_scanner_beside_the_interpreter_comes_first(tmp_path):
    """The locked environment's Trivy is taken before one on the path; that one is found where there is no other."""
    for name in ("venv", "path"):
        (tmp_path / name).mkdir()
        pretending(tmp_path / name, "exit 0")
    assert trivy_binary.find(tmp_path / "venv", str(tmp_path / "path"), PIN) == tmp_path / "venv" / "trivy"
    assert trivy_binary.find(tmp_path / "none", str(tmp_path / "path"), PIN) == tmp_path / "path" / "trivy"


def test_another_binary_is_never_run(source, tmp_path_factory):
    """A program with another SHA-256 is refused before it runs."""
    folder = tmp_path_factory.mktemp("bin")
    program, _ = pretending(folder, f"touch {folder}/ran")
    with pytest.raises(ScannerUntrustedError, match="not the pinned Trivy") as caught:
        run_scan(source, binary=program)
    assert caught.value.exit_code == 34
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("version", ["0.69.4", "0.69.5", "0.69.6"])
def test_hijacked_version_is_named(source, tmp_path_factory, version):
    """A binary whose build information names a hijacked version is refused by name, even if its digest were pinned."""
    build_information = f"# -X github.com/aquasecurity/trivy/pkg/version/app.ver={version}"
    program, pin = pretending(tmp_path_factory.mktemp("bin"), build_information)
    with pytest.raises(ScannerUntrustedError, match=f"Trivy {version}, a version that attackers published"):
        run_scan(source, binary=program, pin=pin)


def test_replaced_binary_is_noticed_at_the_next_use(source, tmp_path_factory):
    """A binary swapped for one of the same size and times after a good run is refused: nothing is remembered."""
    program, pin = pretending(tmp_path_factory.mktemp("bin"), f"echo '{CLEAN}' > $report # good")
    assert run_scan(source, binary=program, pin=pin)[0].decision is Decision.PASSED
    before = program.stat()
    program.write_bytes(program.read_bytes().replace(b"# good", b"# evil"))
    os.utime(program, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ScannerUntrustedError):
        run_scan(source, binary=program, pin=pin)


@pytest.mark.parametrize(
    ("script", "error", "told"),
    [
        ("echo 'panic: boom' >&2; exit 2", ScannerFailedError, "exit code 2"),
        (f"echo '{CLEAN}' > $report; exit 1", ScannerFailedError, "exit code 1"),
        ("kill -SEGV $$", ScannerFailedError, "signal 11"),
        ("exit 0", ScanReportMalformedError, "left no report"),
        (": > $report", ScanReportMalformedError, "it is empty"),
        ("echo all good > $report", ScanReportMalformedError, "not JSON"),
        (f"echo '{CLEAN}' | head -c 40 > $report", ScanReportMalformedError, "not JSON"),
        ("echo '{}' > $report", ScanReportMalformedError, "SchemaVersion"),
        (f"echo '{CLEAN.replace('0.76.0', '0.70.0')}' > $report", ScanReportMalformedError, "0.70.0"),
        ("mkdir $report", ScanReportMalformedError, "cannot be read"),
    ],
)
def test_a_scanner_that_misbehaves_is_never_a_pass(source, tmp_path_factory, script, error, told):
    """Crash, silence, garbage, half a report, another's report: each is an error that says so."""
    program, pin = pretending(tmp_path_factory.mktemp("bin"), script)
    with pytest.raises(error) as caught:
        run_scan(source, binary=program, pin=pin)
    assert told in str(caught.value)
    assert caught.value.decision is Decision.ERROR
    assert caught.value.exit_code in {32, 33}


def test_hanging_scanner_is_ended(source, tmp_path_factory):
    """Past its timeout Trivy is ended, and nothing was judged."""
    program, pin = pretending(tmp_path_factory.mktemp("bin"), "exec sleep 61")
    with pytest.raises(ScannerFailedError, match=r"ended after 0\.3 s"):
        run_scan(source, binary=program, pin=pin, timeout=0.3)


def test_program_that_cannot_be_started(source, tmp_path_factory):
    """A file that is no program is an error, not a traceback."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "trivy"
    program.write_bytes(b"\x7fELF not really")
    program.chmod(0o755)
    pin = replace(PIN, sha256={hashlib.sha256(program.read_bytes()).hexdigest(): "test"})
    with pytest.raises(ScannerFailedError, match="could not be started"):
        run_scan(source, binary=program, pin=pin)
    with pytest.raises(ScannerUntrustedError, match="cannot be read"):
        run_scan(source, binary=folder / "gone", pin=pin)


def test_scanner_gets_no_secret(source, tmp_path_factory):
    """Trivy sees no token, no input of ours and no home of the person's."""
    folder = tmp_path_factory.mktemp("bin")
    program, pin = pretending(folder, f"env > {folder}/env; echo '{CLEAN}' > $report")
    made = stage(
        source, Config("shop", scan=ScanConfig(vulnerabilities=OFF)), {**ENV, "AZURE_TOKEN": "t", "LOCKGATE_X": "x"}
    )
    command.run(made.project, argparse.Namespace(), binary=program, pin=pin)
    seen = (folder / "env").read_text()
    assert "AZURE_TOKEN" not in seen
    assert "LOCKGATE_" not in seen
    assert "GITHUB_" not in seen
    assert f"HOME={ENV.get('HOME', 'none')}\n" not in seen


def test_blocking_findings_are_bounded(source, tmp_path_factory):
    """A thousand findings are counted, a hundred kept, ten annotated."""
    secrets = [{"RuleID": "made-up", "Severity": "HIGH", "Title": "t", "StartLine": n} for n in range(1, 1001)]
    report = json.dumps({**json.loads(CLEAN), "Results": [{"Target": "a.py", "Class": "secret", "Secrets": secrets}]})
    folder = tmp_path_factory.mktemp("bin")
    (folder / "report").write_text(report)
    program, pin = pretending(folder, f"cp {folder}/report $report")
    result, made = run_scan(source, binary=program, pin=pin)
    assert result.message.startswith("1000 secrets must not ship")
    assert result.data["blocking"]["total"] == 1000
    assert len(result.data["blocking"]["findings"]) == 100
    assert made.log.getvalue().count("title=high secret") == 10
    assert "and 970 more" in result.summary


def test_as_a_command(source):
    """`lockgate scan` on a real config ends with the exit code of its reason, and one JSON result."""
    (source / "lockgate.yml").write_text(
        "service: shop\nbuild: {bundle: {start: run}}\nscan: {vulnerabilities: 'off', misconfiguration: false}\n"
    )
    (source / "settings.py").write_text(f'key = "{KEY}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "lockgate", "scan", "--json"],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(Path(command.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 30, done.stderr
    result = json.loads(done.stdout)
    assert (result["decision"], result["reason_code"]) == ("failed", "findings")
    assert "Traceback" not in done.stderr


def _digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
