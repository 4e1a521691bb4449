"""The tables of a scan: new, inherited, accepted and fixed, each with the upgrade that ends it."""

from collections.abc import Iterable, Mapping, Sequence

from lockgate.core import markdown
from lockgate.core.scan_policy import Verdict
from lockgate.core.vulnerability import Finding, by_severity

ROWS_SHOWN = 30
HEADER = ("what", "where", "severity", "fix")


def row(finding: Finding) -> tuple[str, str, str, str]:
    """What, where, severity, fix: a row for people."""
    what = f"{finding.id} in {finding.subject}" if finding.subject else f"{finding.id}: {finding.title.rstrip('.')}"
    return what, finding.place, finding.severity.value, finding.fix


def parts(verdict: Verdict, against: str, since: Mapping[tuple[str, str, str], str]) -> list[str]:
    """Make the Markdown of all tables that have rows, after how many there are of each."""
    made = [_numbers(verdict)] if against or verdict.accepted else []
    made += _table("", HEADER, [row(finding) for finding in verdict.blocking])
    inherited = [(*row(one), since.get(one.key, "")[:10]) for one in verdict.inherited]
    made += _table(f"Already running in {against}:", (*HEADER, "since"), inherited)
    accepted = [(*row(one)[:3], rule.reason, rule.owner, rule.until) for one, rule in verdict.accepted]
    made += _table("Accepted:", (*HEADER[:3], "reason", "owner", "until"), accepted)
    return made + _table("Fixed by this release:", HEADER[:3], [row(one)[:3] for one in verdict.fixed])


def _numbers(verdict: Verdict) -> str:
    groups: dict[str, Iterable[Finding]] = {
        "new": verdict.blocking,
        "inherited": verdict.inherited,
        "accepted": [finding for finding, _ in verdict.accepted],
        "fixed": verdict.fixed,
    }
    rows = []
    for name, findings in groups.items():
        numbers = by_severity(findings)
        rows.append([name, ", ".join(f"{number} {severity.lower()}" for severity, number in numbers.items()) or "none"])
    return markdown.table(["", "findings"], rows)


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    shown = [[markdown.escape(cell) for cell in cells] for cells in rows[:ROWS_SHOWN]]
    more = len(rows) - len(shown)
    table = markdown.table(header, shown)
    return [*([markdown.escape(title)] if title else []), f"{table}\n\nand {more} more" if more else table]
