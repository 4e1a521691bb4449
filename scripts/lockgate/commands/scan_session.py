"""One scan in the making: which classes can be judged, by which database, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lockgate.adapters import image_system
from lockgate.adapters.trivy import Scan, Trivy
from lockgate.adapters.trivy_database import OWN_REPOSITORIES, SKEW, Database, DatabaseCache, read
from lockgate.commands.project import Project
from lockgate.commands.scan_rules import exceptions
from lockgate.commands.scan_subject import Brought
from lockgate.core import scan_rules
from lockgate.core.config_scan import ScanConfig, Vulnerabilities
from lockgate.core.oci import Reference
from lockgate.core.running import Running
from lockgate.core.scan_policy import judge
from lockgate.core.scan_summary import DatabaseFacts, Judged, Scanned
from lockgate.core.vulnerability import Kind
from lockgate.errors import ConfigInvalidError, DatabaseStaleError, DatabaseUnavailableError, ScannerFailedError

QUICK_SECONDS = 20.0
"""How long a database that need not be there may take to come."""
DAY = 86_400
_SCANNERS = {
    Kind.VULNERABILITY: "vuln",
    Kind.SECRET: "secret",
    Kind.MISCONFIGURATION: "misconfig",
    Kind.LICENCE: "license",
}


@dataclass(slots=True)
class Session:
    """Scans one thing and judges it."""

    project: Project
    trivy: Trivy
    bring: Callable[[Path | None], Brought]
    """Gives what is scanned; it is told where the database lies, which is no part of it."""
    report: Path
    """Where Trivy's own report is left."""
    artifact: str = ""
    """The digest, "" for the source."""
    running: Running | None = None
    against: str = ""

    @property
    def _config(self) -> ScanConfig:
        return self.project.config.scan

    @property
    def _mistakes(self) -> bool:
        """Whether mistakes in configuration are looked for: they are the source's, and are mended there."""
        return self._config.misconfiguration and not self.artifact

    def scan(self) -> Scanned:
        """Scan every class that the config asks for and that can be judged."""
        config = self._config
        wanted = config.vulnerabilities
        rest = config.secrets or self._mistakes or config.licences
        if wanted is Vulnerabilities.OFF:
            if not rest:
                raise ConfigInvalidError(
                    "scan: vulnerabilities, secrets and misconfiguration are all off: there is nothing to judge here.",
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
        config, project = self._config, self.project
        brought = self.bring(database.directory if database else None)
        classes = {
            Kind.VULNERABILITY: vulnerabilities,
            Kind.SECRET: Judged(config.secrets),
            Kind.MISCONFIGURATION: Judged(self._mistakes),
            Kind.LICENCE: Judged(bool(config.licences)),
        }
        project.console.step(f"scanning {self.artifact or project.root.name}")
        project.console.expect_table()
        scan = self.trivy.scan(
            brought.subject,
            self.report,
            scanners=[_SCANNERS[kind] for kind, state in classes.items() if state.judged],
            database=database.directory if database else None,
            timeout=config.timeout,
        )
        _must_have_read_all(scan, config)
        unknown = (scan.unknown or _unrecognised(brought, scan)) if database else ""
        _must_know_the_system(unknown, config)
        found = (*scan.report.findings, *scan.hidden)
        verdict = judge(found, scan_rules.policy(config), exceptions(project), self.running)
        return Scanned(
            verdict,
            classes,
            scan.report,
            scan.unread,
            self._described(database),
            self.artifact,
            self.against,
            brought.others,
            self.running.since if self.running else None,
            unknown,
        )

    def _database(self) -> Database:
        config, project = self._config, self.project
        required = config.vulnerabilities is Vulnerabilities.REQUIRED
        repositories = [*filter(_is_repository, [config.database]), *config.mirrors]
        if config.database and not _is_repository(config.database):
            found = read(project.root / config.database)
        else:
            limit = config.timeout if required else min(QUICK_SECONDS, config.timeout)
            project.console.step(f"looking for the vulnerability database, at most {limit:g} s")
            cache = DatabaseCache(project.state / "trivy", project.clock, project.runner.bare_env())
            found = cache.obtain(repositories or OWN_REPOSITORIES, offline=config.offline, seconds=limit)
        age = (project.clock.now() - found.updated).total_seconds()
        if age < -SKEW.total_seconds():
            raise DatabaseUnavailableError(
                f"The vulnerability database says that it was built in the future ({found.updated:%Y-%m-%d %H:%M}).",
                why="It would never be too old: it was made to say so, or the clock of this machine is wrong.",
                fix="Set the clock, or remove it: the directory of scan.database, else trivy/ in the state directory.",
            )
        if age > config.max_age:
            raise DatabaseStaleError(
                f"The vulnerability database is {age / DAY:.0f} days old ({found.updated:%Y-%m-%d}): "
                "nothing can be judged by it.",
                why=found.note or f"scan.max_age is {config.max_age / DAY:g} days.",
                fix="Let it be refreshed (scan.database, scan.mirrors), or raise scan.max_age knowingly.",
            )
        return found

    def _described(self, database: Database | None) -> DatabaseFacts | None:
        if database is None:
            return None
        age = (self.project.clock.now() - database.updated).total_seconds() / DAY
        return DatabaseFacts(
            database.updated.isoformat(), max(0.0, age), database.digest, database.note, database.source
        )


def _is_repository(setting: str) -> bool:
    """An OCI repository begins with a host: a name with a dot, or with a port. Anything else is a path."""
    try:
        Reference.parse(setting)
    except ValueError:
        return False
    return not setting.startswith(".")


def _unrecognised(brought: Brought, scan: Scan) -> str:
    """Say that an image is of a distribution which Trivy did not recognise: it says nothing of that itself."""
    if brought.subject.mode != "image" or scan.report.system:
        return ""
    named = image_system.named_in(brought.subject.path)
    return f"Trivy does not know the distribution {named}" if named else ""


def _must_know_the_system(unknown: str, config: ScanConfig) -> None:
    if unknown and config.vulnerabilities is Vulnerabilities.REQUIRED:
        raise ScannerFailedError(
            f"The packages of the image's system could not be judged: {unknown}.",
            why="scan.vulnerabilities is `required`.",
            fix="Build on a version of a distribution that is supported.",
        )


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
