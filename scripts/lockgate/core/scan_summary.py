"""The scan stage on the job's summary page, and in its result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core import markdown, scan_tables
from lockgate.core.scan_policy import Verdict
from lockgate.core.trivy_log import Unread
from lockgate.core.trivy_report import TrivyReport
from lockgate.core.vulnerability import PLURAL, Finding, Kind, by_severity, counted

KEPT = 100
ROWS_SHOWN = scan_tables.ROWS_SHOWN
HEADER = scan_tables.HEADER
_UNREAD_SHOWN = 20
_UNREAD_SAID = 3
_NAMED = 3


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
    source: str = ""
    """What brings exactly this one again."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Everything a scan came to."""

    verdict: Verdict
    classes: Mapping[Kind, Judged]
    report: TrivyReport
    unread: tuple[Unread, ...]
    database: DatabaseFacts | None
    artifact: str = ""
    """The digest that was scanned, "" for the source."""
    against: str = ""
    """What it was held against: the release that runs, and where."""
    others: tuple[str, ...] = ()
    """Platforms of the image that were not scanned."""
    since: Mapping[tuple[str, str, str], str] | None = None
    """When what runs was first seen to have a finding."""
    unknown: str = ""
    """Why vulnerabilities of an image's own packages are not known, "" where they are."""


def headline(scanned: Scanned) -> str:
    """The verdict in one sentence."""
    verdict = scanned.verdict
    if verdict.blocking:
        ids = list(dict.fromkeys(finding.id for finding in verdict.blocking))
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        return f"{counted(verdict.blocking)} must not ship: {', '.join(ids[:_NAMED])}{more}."
    parts = [
        f"the policy tolerates {counted(verdict.tolerated)}" if verdict.tolerated else "",
        f"exceptions cover {counted(one for one, _ in verdict.accepted)}" if verdict.accepted else "",
        f"{counted(verdict.inherited)} already run in {scanned.against}" if verdict.inherited else "",
    ]
    told = ", ".join(filter(None, parts))
    return f"Nothing blocks; {told}." if told else "Nothing was found."


def unjudged(scanned: Scanned) -> str:
    """What was not judged though it was asked for, and why; "" where everything was."""
    said = [
        f"{PLURAL[kind].capitalize()} were NOT judged: {state.reason}"
        for kind, state in scanned.classes.items()
        if not state.judged and state.reason
    ]
    said += [f"The packages of the image's system were NOT judged: {scanned.unknown}."] if scanned.unknown else []
    return " ".join(said)


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
        if scanned.report.image_id and not scanned.report.system:
            said.append(
                "No distribution was recognised in this image: packages of one, if there are any, were not looked up."
            )
    if scanned.others:
        said.append(f"Of this image, {', '.join(scanned.others)} was NOT scanned: only this machine's platform was.")
    more = len(scanned.unread) - _UNREAD_SAID
    said += [f"Trivy could not read {item}" for item in scanned.unread[:_UNREAD_SAID]]
    said += [f"Trivy could not read {more} more files; see the result."] if more > 0 else []
    return said + exceptions_said(scanned.verdict)


def exceptions_said(verdict: Verdict) -> list[str]:
    """What somebody must do about the exceptions."""
    ended = [f"The exception for {rule} ended on {rule.until}: it blocks again." for rule in verdict.ended]
    ending = [f"The exception for {rule} ends on {rule.until}; ask {rule.owner}." for rule in verdict.ending]
    unused = [f"The exception for {rule} covers nothing here; if no other scan needs it, remove it."
              for rule in verdict.unused]  # fmt: skip
    return [*ended, *ending, *unused]


row = scan_tables.row


def data(scanned: Scanned) -> Mapping[str, Any]:
    """What the result says: bounded, whatever the report held."""
    verdict, database = scanned.verdict, scanned.database
    return {
        **{
            PLURAL[kind]: {"judged": state.judged, "reason": state.reason, "counts": dict(verdict.counts(kind))}
            for kind, state in scanned.classes.items()
        },
        "artifact": scanned.artifact,
        "against": scanned.against,
        "not_scanned": list(scanned.others),
        "packages": scanned.report.packages,
        "manifests": list(scanned.report.manifests[:KEPT]),
        "blocking": listed(verdict.blocking),
        "inherited": listed(verdict.inherited),
        "fixed": listed(verdict.fixed),
        "accepted": listed(tuple(finding for finding, _ in verdict.accepted)),
        "exceptions": {
            name: [
                {"id": rule.id, "package": rule.package, "reason": rule.reason, "owner": rule.owner,
                 "expires": rule.until, "source": rule.source}
                for rule in rules[:KEPT]
            ]
            for name, rules in {"used": verdict.used, "unused": verdict.unused, "ended": verdict.ended,
                                "ending": verdict.ending}.items()
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
            "source": database.source,
            "note": database.note,
        },
    }  # fmt: skip


def render(scanned: Scanned) -> str:
    """Make the Markdown of the summary."""
    verdict = scanned.verdict
    parts = [f"### {'✓' if verdict.passed else '✗'} scan: {markdown.escape(headline(scanned))}"]
    if missing := unjudged(scanned):
        parts.append(f"> **Not a full scan.** {markdown.escape(missing)}")
    if scanned.artifact:
        parts.append(f"Scanned: {markdown.code(scanned.artifact)}")
    parts += scan_tables.parts(verdict, scanned.against, scanned.since or {})
    parts.append(_classes(scanned))
    if said := exceptions_said(verdict):
        parts.append("\n".join(f"- {markdown.escape(line)}" for line in said[:ROWS_SHOWN]))
    if scanned.unread:
        files = "\n".join(f"- {markdown.code(str(item))}" for item in scanned.unread[:_UNREAD_SHOWN])
        parts.append(f"Trivy could not read:\n\n{files}")
    return "\n\n".join(parts)


def _classes(scanned: Scanned) -> str:
    rows = []
    for kind, state in scanned.classes.items():
        counts = scanned.verdict.counts(kind)
        found = ", ".join(f"{number} {severity.lower()}" for severity, number in counts.items()) or "none"
        rows.append([PLURAL[kind], found if state.judged else "not judged" if state.reason else "off"])
    note = f"Trivy {markdown.escape(scanned.report.trivy)}"
    if database := scanned.database:
        note += f", {scanned.report.packages} packages looked up in the database of {database.updated}"
        note += f" ({markdown.code(database.source)})" if database.source else ""
    return markdown.table(["class", "found"], rows) + f"\n\n{note}"


def listed(findings: tuple[Finding, ...]) -> Mapping[str, Any]:
    """Give findings for a result: how many, and the first of them."""
    return {
        "total": len(findings),
        "counts": dict(by_severity(findings)),
        "findings": [_finding(finding) for finding in findings[:KEPT]],
    }


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
