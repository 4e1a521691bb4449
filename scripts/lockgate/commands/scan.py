"""`lockgate scan`: let Trivy look at the source, and decide by the policy ourselves.

Findings that block end as a Result. What was not judged is never a pass: it is raised, or, where the config allows the
vulnerabilities to be left out, said loudly.
"""

import argparse
import sys
from pathlib import Path

from lockgate.adapters.trivy import Scan, Trivy, find
from lockgate.adapters.trivy_database import Database, obtain
from lockgate.adapters.trivy_pin import PIN
from lockgate.commands.project import Project
from lockgate.core import scan_summary
from lockgate.core.config import ScanConfig, Vulnerabilities
from lockgate.core.pin import Pin
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result, Seconds
from lockgate.core.scan_summary import ROWS_SHOWN, DatabaseFacts, Judged, Scanned, headline, row, unjudged
from lockgate.core.vulnerability import Kind, Policy, Severity, judge
from lockgate.errors import ConfigInvalidError, DatabaseUnavailableError, ScannerFailedError

QUICK_SECONDS = 20.0
"""How long a database that need not be there may take to come."""
OLD_DAYS = 7.0
"""A database is built every six hours; one older than this has missed a week of disclosures."""
_NEVER_SCANNED = (".git", ".venv", ".lockgate")
_SCANNERS = {Kind.VULNERABILITY: "vuln", Kind.SECRET: "secret", Kind.MISCONFIGURATION: "misconfig"}
_ANNOTATIONS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`scan` takes everything from the config."""


def run(
    project: Project,
    arguments: argparse.Namespace,  # noqa: ARG001 - see add_arguments
    *,
    binary: Path | None = None,
    pin: Pin = PIN,
) -> Result:
    """Scan the source; raise StageError where it could not be judged. `binary` and `pin` are the seams of the tests."""
    started = project.clock.monotonic()
    env = project.runner.bare_env()
    found = binary or find(Path(sys.executable).parent, env.get("PATH", ""), pin)
    trivy = Trivy(found, pin, env)
    scanned = _Session(project, trivy).scan()
    _tell(project, scanned)
    blocking = scanned.verdict.blocking
    message = " ".join(filter(None, [headline(scanned), unjudged(scanned)]))
    return Result(
        command="scan",
        decision=Decision.FAILED if blocking else Decision.PASSED,
        reason=Reason.FINDINGS if blocking else Reason.OK,
        message=message,
        service=project.config.service,
        version=project.version,
        commit=project.commit,
        seconds=Seconds(project.clock.monotonic() - started, tool=trivy.seconds),
        data=scan_summary.data(scanned),
        summary=scan_summary.render(scanned),
    )


class _Session:
    """One scan in the making."""

    def __init__(self, project: Project, trivy: Trivy) -> None:
        self._project = project
        self._config = project.config.scan
        self._trivy = trivy

    def scan(self) -> Scanned:
        """Scan every class that the config asks for and that can be judged."""
        config = self._config
        wanted = config.vulnerabilities
        rest = config.secrets or config.misconfiguration
        if wanted is Vulnerabilities.OFF:
            if not rest:
                raise ConfigInvalidError(
                    "scan: vulnerabilities, secrets and misconfiguration are all off: there is nothing to judge.",
                    fix="Leave at least one of them on.",
                )
            return self._look(None, Judged(False))
        try:
            return self._look(self._database(), Judged(True))
        except DatabaseUnavailableError as error:
            if wanted is Vulnerabilities.REQUIRED or not rest:
                raise
            return self._look(None, Judged(False, " ".join(filter(None, [error.what, error.why]))))

    def _look(self, database: Database | None, vulnerabilities: Judged) -> Scanned:
        config, project = self._config, self._project
        classes = {
            Kind.VULNERABILITY: vulnerabilities,
            Kind.SECRET: Judged(config.secrets),
            Kind.MISCONFIGURATION: Judged(config.misconfiguration),
        }
        project.console.step(f"scanning {project.root.name}")
        scan = self._trivy.scan(
            project.root,
            scanners=[_SCANNERS[kind] for kind, state in classes.items() if state.judged],
            skip=[*_always_skipped(project, database), *config.skip],
            database=database.directory if database else None,
            timeout=config.timeout,
        )
        _must_have_read_all(scan, config)
        verdict = judge(scan.report.findings, _policy(config))
        return Scanned(verdict, classes, scan.report, scan.unread, self._described(database))

    def _database(self) -> Database:
        config, project = self._config, self._project
        required = config.vulnerabilities is Vulnerabilities.REQUIRED
        limit = config.timeout if required else min(QUICK_SECONDS, config.timeout)

        def download(cache: Path, repository: str) -> None:
            project.console.step(f"refreshing the vulnerability database, at most {limit:g} s")
            self._trivy.download(cache, repository, limit)

        return obtain(config.database, root=project.root, cache=project.state / "trivy", download=download)

    def _described(self, database: Database | None) -> DatabaseFacts | None:
        if database is None:
            return None
        age = (self._project.clock.now() - database.updated).total_seconds() / 86_400
        return DatabaseFacts(database.updated.isoformat(), max(0.0, age), database.digest, database.note)


def _must_have_read_all(scan: Scan, config: ScanConfig) -> None:
    # Trivy passes over what it cannot parse. Where looking it up is required, that is "could not judge".
    missed = [item for item in scan.unread if not item.configuration]
    if missed and config.vulnerabilities is Vulnerabilities.REQUIRED:
        more = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
        raise ScannerFailedError(
            f"Trivy could not read {missed[0]}{more}.",
            why="What is in it was not judged, and scan.vulnerabilities is `required`.",
            fix="Repair the file, or name it in scan.skip to leave it out knowingly.",
        )


def _policy(config: ScanConfig) -> Policy:
    return Policy(frozenset(Severity(name) for name in config.block), config.ignore_unfixed)


def _always_skipped(project: Project, database: Database | None) -> list[str]:
    """Git's own files, the environment, and Lockgate's files: no part of what is shipped."""
    own = [project.state_path, *([database.directory] if database else [])]
    inside = [path.relative_to(project.root).as_posix() for path in own if path.is_relative_to(project.root)]
    return sorted({*_NEVER_SCANNED, *inside} - {"."})


def _tell(project: Project, scanned: Scanned) -> None:
    console = project.console
    if missing := unjudged(scanned):
        console.warn(missing)
        project.runner.annotate("warning", missing, title="not judged")
    for warning in scan_summary.warnings(scanned, OLD_DAYS):
        console.warn(warning)
    blocking = scanned.verdict.blocking
    if blocking:
        console.table("These must not ship", scan_summary.HEADER, map(row, blocking[:ROWS_SHOWN]))
        console.bad(headline(scanned))
    else:
        console.good(headline(scanned))
    for finding in blocking[:_ANNOTATIONS]:
        text = f"{row(finding)[0]}. {finding.fix}"
        title = f"{finding.severity.lower()} {finding.kind}"
        project.runner.annotate("error", text, file=finding.file, line=finding.line, title=title)
