"""The scan stage on the job's summary page, and in its result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core import markdown
from lockgate.core.trivy_log import Unread
from lockgate.core.trivy_report import TrivyReport
from lockgate.core.vulnerability import Finding, Kind, Verdict, by_severity

BLOCKING_KEPT = 100
ROWS_SHOWN = 30
_UNREAD_SHOWN = 20
_UNREAD_SAID = 3
_NAMED = 3
HEADER = ("what", "where", "severity", "fix")
_PLURAL = {
    Kind.SECRET: "secrets",
    Kind.VULNERABILITY: "vulnerabilities",
    Kind.MISCONFIGURATION: "misconfigurations",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether one class of findings was judged. If not: why, or "" where the config has it off."""

    judged: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """The vulnerability database that was asked."""

    updated: str
    """When it was built, ISO 8601."""
    age_days: float
    digest: str
    note: str
    """Why it is not the newest, where it could not be refreshed."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Everything a scan came to."""

    verdict: Verdict
    classes: Mapping[Kind, Judged]
    report: TrivyReport
    unread: tuple[Unread, ...]
    database: DatabaseFacts | None


def counted(findings: tuple[Finding, ...]) -> str:
    """Findings in words: "1 secret, 2 vulnerabilities"."""
    parts = []
    for kind in Kind:
        number = sum(finding.kind is kind for finding in findings)
        if number:
            parts.append(f"{number} {kind.value if number == 1 else _PLURAL[kind]}")
    return ", ".join(parts)


def headline(scanned: Scanned) -> str:
    """The verdict in one sentence."""
    blocking = scanned.verdict.blocking
    if blocking:
        ids = list(dict.fromkeys(finding.id for finding in blocking))
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        return f"{counted(blocking)} must not ship: {', '.join(ids[:_NAMED])}{more}."
    if scanned.verdict.tolerated:
        return f"Nothing blocks; the policy tolerates {counted(scanned.verdict.tolerated)}."
    return "Nothing was found."


def unjudged(scanned: Scanned) -> str:
    """What was not judged though it was asked for, and why; "" where everything was."""
    return " ".join(
        f"{_PLURAL[kind].capitalize()} were NOT judged: {state.reason}"
        for kind, state in scanned.classes.items()
        if not state.judged and state.reason
    )


def warnings(scanned: Scanned, old_days: float) -> list[str]:
    """What a person should know that stops nothing. `old_days`: from when on a database is called old."""
    said = []
    if database := scanned.database:
        if database.note:
            said.append(database.note)
        if database.age_days > old_days:
            said.append(f"The vulnerability database is {database.age_days:.0f} days old ({database.updated}).")
        if not scanned.report.packages:
            said.append("No file that lists packages with their versions was found: there was nothing to look up.")
    more = len(scanned.unread) - _UNREAD_SAID
    said += [f"Trivy could not read {item}" for item in scanned.unread[:_UNREAD_SAID]]
    return said + ([f"Trivy could not read {more} more files; see the result."] if more > 0 else [])


def row(finding: Finding) -> tuple[str, str, str, str]:
    """What, where, severity, fix: a row for people."""
    what = f"{finding.id} in {finding.subject}" if finding.subject else f"{finding.id}: {finding.title.rstrip('.')}"
    return what, finding.place, finding.severity.value, finding.fix


def data(scanned: Scanned) -> Mapping[str, Any]:
    """What the result says: bounded, whatever the report held."""
    blocking, database = scanned.verdict.blocking, scanned.database
    return {
        **{
            _PLURAL[kind]: {
                "judged": state.judged,
                "reason": state.reason,
                "counts": dict(scanned.verdict.counts(kind)),
            }
            for kind, state in scanned.classes.items()
        },
        "packages": scanned.report.packages,
        "manifests": list(scanned.report.manifests[:BLOCKING_KEPT]),
        "blocking": {
            "total": len(blocking),
            "counts": dict(by_severity(blocking)),
            "findings": [_finding(finding) for finding in blocking[:BLOCKING_KEPT]],
        },
        "unread": [
            {"file": item.file, "why": item.why, "configuration": item.configuration}
            for item in scanned.unread[:_UNREAD_SHOWN]
        ],
        "trivy": scanned.report.trivy,
        "database": database
        and {
            "updated": database.updated,
            "age_days": round(database.age_days, 2),
            "digest": database.digest,
            "note": database.note,
        },
    }


def render(scanned: Scanned) -> str:
    """Make the Markdown of the summary."""
    parts = [f"### {'✓' if scanned.verdict.passed else '✗'} scan: {markdown.escape(headline(scanned))}"]
    if missing := unjudged(scanned):
        parts.append(f"> **Not a full scan.** {markdown.escape(missing)}")
    if scanned.verdict.blocking:
        parts.append(_blocking(scanned.verdict.blocking))
    parts.append(_classes(scanned))
    if scanned.unread:
        files = "\n".join(f"- {markdown.code(str(item))}" for item in scanned.unread[:_UNREAD_SHOWN])
        parts.append(f"Trivy could not read:\n\n{files}")
    return "\n\n".join(parts)


def _blocking(blocking: tuple[Finding, ...]) -> str:
    rows = [[markdown.escape(cell) for cell in row(finding)] for finding in blocking[:ROWS_SHOWN]]
    table = markdown.table(HEADER, rows)
    more = len(blocking) - len(rows)
    return f"{table}\n\nand {more} more" if more else table


def _classes(scanned: Scanned) -> str:
    rows = []
    for kind, state in scanned.classes.items():
        counts = scanned.verdict.counts(kind)
        found = ", ".join(f"{number} {severity.lower()}" for severity, number in counts.items()) or "none"
        rows.append([_PLURAL[kind], found if state.judged else "not judged" if state.reason else "off"])
    note = f"Trivy {markdown.escape(scanned.report.trivy)}"
    if scanned.database:
        note += f", {scanned.report.packages} packages looked up in the database of {scanned.database.updated}"
    return markdown.table(["class", "found"], rows) + f"\n\n{note}"


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "class": finding.kind.value,
        "id": finding.id,
        "severity": finding.severity.value,
        "title": finding.title,
        "file": finding.file,
        "line": finding.line,
        "subject": finding.subject,
        "fix": finding.fix,
        "url": finding.url,
    }
