"""Run Trivy: only the pinned binary, with an empty environment, no network to use, and an empty directory of its own.

It runs outside the caller's workspace, so that a `trivy.yaml`, `.trivyignore` or `trivy-secret.yaml` in the source
cannot switch the scan off, and with a home of its own, so that it sees no credential file. What it needs is brought to
it as files: the database, and an image as a layout or an archive. With these settings 0.76.0 makes no connection.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockgate.adapters import process, trivy_binary
from lockgate.core import trivy_ignores, trivy_log, trivy_report
from lockgate.core.pin import Pin
from lockgate.core.trivy_log import Unread
from lockgate.core.trivy_report import Artifact, TrivyReport
from lockgate.core.vulnerability import Finding
from lockgate.errors import (
    DatabaseUnavailableError,
    ScannerFailedError,
    ScanReportMalformedError,
)

_ENV = {
    "TRIVY_OFFLINE_SCAN": "true",
    "TRIVY_SKIP_VERSION_CHECK": "true",
    "TRIVY_DISABLE_TELEMETRY": "true",
    "TRIVY_SKIP_CHECK_UPDATE": "true",
    "TRIVY_SKIP_DB_UPDATE": "true",
    "TRIVY_SKIP_JAVA_DB_UPDATE": "true",
    "TRIVY_NO_PROGRESS": "true",
}
"""All that it is given, beside a home and a place for its temporary files."""
FORMATS = {"sarif": "scan.sarif", "cyclonedx": "sbom.cdx.json", "spdx-json": "sbom.spdx.json"}
"""What the report is converted to, and the name of the file."""
_UNREAD_KEPT = 100
_SPARE_SECONDS = 60
_CONVERT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be scanned, as Trivy's own words for it."""

    mode: str
    """`fs` for a source, `rootfs` for what is installed in a directory, `image`."""
    path: Path
    skip: tuple[str, ...] = ()
    image_id: str = ""
    """For an image: the digest of the configuration that the report must name."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan that was carried out."""

    report: TrivyReport
    unread: tuple[Unread, ...]
    hidden: tuple[Finding, ...]
    """What the source keeps out of the report."""
    unknown: str = ""
    """Why vulnerabilities of an image's own packages are not known, "" where they are."""


class Trivy:
    """One Trivy binary."""

    def __init__(self, binary: Path, pin: Pin) -> None:
        self.seconds = 0.0
        """How long Trivy itself has run so far, without our checks of it."""
        self._binary = binary
        self._pin = pin
        self._ahead: Future[None] | None = None

    def verify(self) -> None:
        """Hold the binary to the pin; raise ScannerUntrustedError.

        Done for every start and never remembered: whoever can replace the file can also keep its size, times and
        inode, and reading 175 MB takes 0.2 s where the processor has SHA instructions.
        """
        trivy_binary.check(self._binary, self._pin)

    def verify_ahead(self) -> None:
        """Begin to verify for the next start while other work is done; what it finds is raised at that start."""
        pool = ThreadPoolExecutor(1)
        self._ahead = pool.submit(self.verify)
        pool.shutdown(wait=False)

    def _verified(self) -> None:
        ahead, self._ahead = self._ahead, None
        ahead.result() if ahead else self.verify()

    def scan(
        self, subject: Subject, report: Path, *, scanners: Sequence[str], database: Path | None, timeout: float
    ) -> Scan:
        """Scan a subject into the file `report`; `database` is the directory that holds trivy.db.

        Raise ScannerFailedError where Trivy did not finish, DatabaseUnavailableError where it would not take the
        database, ScanReportMalformedError where it finished and left no report that can be trusted.
        """
        unread: dict[Unread, None] = {}
        hidden: dict[Finding, None] = {}
        unsupported: list[str] = []

        def watch(line: str) -> None:
            if left_out := trivy_log.ignored(line):
                hidden[left_out] = None
            if family := trivy_log.unsupported(line):
                unsupported[:] = [f"Trivy knows no vulnerabilities of {family}"]
            if (item := trivy_log.unread(line)) and len(unread) < _UNREAD_KEPT:
                unread[item] = None

        with _private_folder() as private:
            arguments = [
                *(subject.mode, "--debug", "--format=json", f"--output={report}", "--list-all-pkgs"),
                *(f"--scanners={','.join(scanners)}", f"--cache-dir={private / 'cache'}"),
                f"--timeout={int(timeout) + _SPARE_SECONDS}s",
                *(
                    flag
                    for path in subject.skip
                    for flag in (f"--skip-dirs={_csv(path)}", f"--skip-files={_csv(path)}")
                ),
                *((f"--input={subject.path}",) if subject.mode == "image" else ("--", str(subject.path))),
            ]
            (private / "cache").mkdir()
            if database is not None:
                (private / "cache" / "db").symlink_to(database, target_is_directory=True)
            self._verified()
            done = self._run(arguments, private, timeout, watch)
        self.seconds += done.seconds
        self._must_have_finished(done, timeout)
        read = self._read(report, subject)
        hidden |= dict.fromkeys(one for name in read.dockerfiles for one in _hidden_in(subject.path, name))
        if read.ended:
            unsupported[:] = [f"{read.system} is no longer supported: nobody says what is found in it since"]
        return Scan(read, tuple(unread), tuple(hidden), "".join(unsupported))

    def convert(self, report: Path, into: Path) -> None:
        """Write the formats that others read, from the very report that was judged; raise ScannerFailedError."""
        self.verify()
        with ThreadPoolExecutor(len(FORMATS)) as pool:
            done = list(pool.map(lambda name: self._convert(report, name, into / FORMATS[name]), FORMATS))
        self.seconds += max(one.seconds for one in done)

    def _convert(self, report: Path, name: str, target: Path) -> process.Completed:
        with _private_folder() as private:
            arguments = ["convert", f"--format={name}", f"--output={target}", str(report)]
            done = self._run(arguments, private, _CONVERT_SECONDS)
        if done.code or done.timed_out or not target.is_file():
            raise ScannerFailedError(
                f"Trivy could not write its report as {name}.", why=trivy_log.fatal(done.tail) or "It printed nothing."
            )
        return done

    def _run(
        self, arguments: Sequence[str], private: Path, timeout: float, on_line: Callable[[str], None] | None = None
    ) -> process.Completed:
        workplace = private / "empty"
        workplace.mkdir()
        env = _ENV | {"HOME": str(workplace), "TMPDIR": str(private)}
        try:
            return process.run(
                [str(self._binary), *arguments], cwd=workplace, env=env, timeout=timeout, on_line=on_line
            )
        except OSError as error:
            raise ScannerFailedError(
                f"Trivy could not be started: {self._binary}: {error.strerror}.", fix="Install it again."
            ) from error

    @staticmethod
    def _must_have_finished(done: process.Completed, timeout: float) -> None:
        if done.timed_out:
            raise ScannerFailedError(
                f"Trivy was ended after {timeout:g} s: nothing was judged.",
                fix="Leave large folders out with scan.skip, or raise scan.timeout.",
            )
        if done.code == 0:
            return
        said = trivy_log.fatal(done.tail)
        if trivy_log.blames_database(done.tail):
            raise DatabaseUnavailableError(
                "Trivy would not take the vulnerability database.",
                why=said,
                fix="Remove the damaged copy: the directory of scan.database, else trivy/ in the state directory.",
            )
        ended = f"exit code {done.code}" if done.code > 0 else f"signal {-done.code}"
        raise ScannerFailedError(
            f"Trivy did not finish ({ended}): nothing was judged.", why=said or "It printed nothing."
        )

    def _read(self, path: Path, subject: Subject) -> TrivyReport:
        expected = Artifact.IMAGE if subject.mode == "image" else Artifact.DIRECTORY
        try:
            with path.open("rb") as file:
                report = trivy_report.parse(file.read(trivy_report.LIMIT_BYTES + 1), self._pin.version, expected)
        except FileNotFoundError as error:
            raise ScanReportMalformedError(
                "Trivy ended without an error and left no report: nothing was judged."
            ) from error
        except (OSError, ValueError) as error:
            raise ScanReportMalformedError(
                "Trivy's report cannot be read: nothing was judged.", why=f"{error}."
            ) from error
        if report.image_id != subject.image_id:
            raise ScanReportMalformedError(
                "Trivy's report is about another image: nothing was judged.",
                why=f"It names {report.image_id or 'none'}, and {subject.image_id or 'none'} was scanned.",
            )
        return report


def _hidden_in(root: Path, name: str) -> list[Finding]:
    try:
        with (root / name).open("rb") as file:
            return list(trivy_ignores.in_dockerfile(file.read(trivy_ignores.LIMIT_BYTES + 1), name))
    except (OSError, ValueError):
        # Trivy read it, and says nothing of what it leaves out there.
        return [trivy_ignores.hidden("*", name)]


@contextmanager
def _private_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lockgate-scan-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _csv(path: str) -> str:
    # Trivy splits these flags at commas, as CSV.
    return '"' + path.replace('"', '""') + '"' if "," in path or '"' in path else path
