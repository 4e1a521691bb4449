"""The compact form of a scan: what travels with a release into the ledger, and what the next one is held against."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lockgate.core.redaction import printable, shorten
from lockgate.core.running import Running
from lockgate.core.trivy_report import TrivyReport
from lockgate.core.vulnerability import Finding, Kind, Severity

SCHEMA = 1
FINDINGS_KEPT = 2_000
PACKAGES_KEPT = 10_000
_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """What one scan of one artifact came to; findings worst first."""

    artifact: str
    at: str
    """UTC, ISO 8601."""
    trivy: str
    database: str
    """SHA-256 of the vulnerability database, "" where none was asked."""
    database_updated: str
    findings: tuple[Finding, ...]
    packages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: int = 0
    """Findings beyond those that are kept."""
    since: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """When each finding was first seen where the release runs, ISO 8601."""

    def running(self) -> Running:
        """See this scan as the one of what runs."""
        seen = {finding.key: self.at for finding in self.findings} | dict(self.since)
        packages = {name: frozenset(versions) for name, versions in self.packages.items()}
        return Running(self.artifact, self.findings, packages, seen)

    def after(self, running: Running | None) -> "ScanRecord":
        """Carry over when each finding was first seen, from what ran before."""
        if running is None:
            return self
        kept = {finding.key: running.first_seen(finding, self.at) for finding in self.findings}
        return replace(self, since={key: at for key, at in kept.items() if at != self.at})

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "schema": SCHEMA,
            "artifact": self.artifact,
            "at": self.at,
            "trivy": self.trivy,
            "database": self.database,
            "database_updated": self.database_updated,
            "left_out": self.left_out,
            "packages": {name: list(versions) for name, versions in self.packages.items()},
            "findings": [self._finding(finding) for finding in self.findings],
        }

    def short(self) -> dict[str, Any]:
        """What there is room for wherever the release is named: how many findings, and the newest, worst of its day."""
        at = [(self.since.get(finding.key, self.at), -place) for place, finding in enumerate(self.findings)]
        newest = self.findings[-max(at)[1]] if at else None
        told = {**self._finding(newest), "since": self.since.get(newest.key, self.at)} if newest else None
        return {"at": self.at, "total": len(self.findings) + self.left_out, "newest": told}

    def _finding(self, finding: Finding) -> dict[str, Any]:
        said = {
            "kind": finding.kind.value,
            "id": finding.id,
            "severity": finding.severity.value,
            "file": finding.file,
            "line": finding.line,
            "package": finding.package,
            "subject": finding.subject,
            "fixed_in": finding.fixed_in,
            "since": self.since.get(finding.key, ""),
        }
        return {key: value for key, value in said.items() if value}

    @classmethod
    def from_dict(cls, data: Any) -> "ScanRecord":
        """Read the JSON form, which may come from another job; raise ValueError with what is wrong with it."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise ValueError(f"it is not a scan record of schema {SCHEMA}")
        try:
            rows = list(data["findings"])
            if len(rows) > FINDINGS_KEPT or len(data["packages"]) > PACKAGES_KEPT:
                raise ValueError("it holds more than a scan keeps")
            findings = tuple(map(_read, rows))
            return cls(
                artifact=_text(data, "artifact"),
                at=_text(data, "at"),
                trivy=_text(data, "trivy"),
                database=_text(data, "database"),
                database_updated=_text(data, "database_updated"),
                findings=findings,
                packages={_clean(name): tuple(map(_clean, versions)) for name, versions in data["packages"].items()},
                left_out=int(data["left_out"]),
                since={
                    found.key: _text(row, "since") for found, row in zip(findings, rows, strict=True) if "since" in row
                },
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"it is not a scan record: {error!r}") from error


def record(
    report: TrivyReport, artifact: str, *, at: str, database: str, database_updated: str, worst: tuple[Finding, ...]
) -> ScanRecord:
    """Make the record of a report; `worst` is its findings, what must be kept first."""
    packages = dict(list(report.versions.items())[:PACKAGES_KEPT])
    kept = worst[:FINDINGS_KEPT]
    left_out = len(worst) - len(kept)
    return ScanRecord(artifact, at, report.trivy, database, database_updated, kept, packages, left_out)


def _read(row: Mapping[str, Any]) -> Finding:
    return Finding(
        Kind(row["kind"]),
        _text(row, "id"),
        Severity(row["severity"]),
        "",
        _clean(row.get("file", "")),
        int(row.get("line", 0)),
        _clean(row.get("subject", "")),
        _clean(row.get("fixed_in", "")),
        package=_clean(row.get("package", "")),
    )


def _text(data: Mapping[str, Any], key: str) -> str:
    return _clean(data[key])


def _clean(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {shorten(repr(value), 40)}")
    return shorten(printable(value), _CHARACTERS)
