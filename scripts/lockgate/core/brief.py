"""What a person reads before deciding about a release: one page, of text that nobody can forge markup into."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.core import markdown
from lockgate.core.config import EnvironmentConfig
from lockgate.core.quantities import format_duration
from lockgate.core.redaction import shorten
from lockgate.core.release import Release
from lockgate.core.rollout_model import Standing

_SHOWN = 50
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that the release brings. Author and subject are anybody's words."""

    sha: str
    author: str
    subject: str
    pull: int | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything on the page."""

    release: Release
    environment: EnvironmentConfig
    asked: str
    """Who will be asked, in words."""
    standing: Standing | None
    """What serves now."""
    commits: Sequence[Commit] | None
    """What comes, or what a rollback takes back. None: git does not know what serves now."""
    choices: Sequence[str] = ()
    """For a rollback: the versions that it could return to."""
    evidence: Sequence[Mapping[str, Any]] = ()
    """What the stages found, from the release's dossier."""
    serving: Sequence[Mapping[str, Any]] = ()
    """The same about what serves now."""
    scanned: Sequence[str] = ()
    """The Markdown of what the scan of this digest found beside what serves: new, inherited, accepted, fixed."""
    previous: Mapping[str, Any] = field(default_factory=dict)
    """The result of the environment before, by schemas/result.schema.json, as another job handed it on."""
    repository_url: str = ""
    sizes: str = ""
    """The Markdown of what it weighs beside what serves."""
    override: str = ""
    """Why a rollback returns to what nobody can be shown to have signed for; "" where somebody did."""


def page(brief: Brief) -> str:
    """Give the Markdown."""
    release = brief.release
    title = f"{markdown.escape(release.service)} {markdown.code(release.version)}"
    where = markdown.escape(brief.environment.name)
    heading = f"{where} back to {title}" if brief.choices else f"{title} to {where}"
    parts = [f"## For whoever approves: {heading}", "", _facts(brief)]
    parts += ["", "### What it takes back" if brief.choices else "### What it brings", "", _commits(brief)]
    if brief.evidence or brief.previous:
        parts += ["", "### What was shown so far", "", _shown(brief)]
    delta = ["\n".join(_delta(brief)), *brief.scanned]
    if any(delta):
        parts += ["", "### Known vulnerabilities, beside what runs now"]
        parts += [text for part in filter(None, delta) for text in ("", part)]
    if brief.sizes:
        parts += ["", "### What it weighs", "", brief.sizes]
    return "\n".join([*parts, ""])


def _facts(brief: Brief) -> str:
    rows = [["image", markdown.code(str(brief.release.artifact))], ["commit", _sha(brief, brief.release.commit)]]
    rows += [
        ["runs now", _standing(brief, brief.standing)],
        _way_back(brief),
        ["the plan", markdown.escape(_plan(brief.environment))],
        ["migrations", markdown.escape(_migration(brief.environment))],
        ["asked", markdown.escape(brief.asked)],
    ]
    if brief.override:
        rows.append(["**not verified**", f"who built it; overridden: {markdown.escape(brief.override)}"])
    return markdown.table(["", ""], rows)


def _standing(brief: Brief, standing: Standing | None) -> str:
    if standing is None:
        return "nothing that Lockgate knows of"
    release = standing.release
    commit, digest = _sha(brief, release.commit), markdown.code(release.artifact.short)
    return f"{markdown.code(release.version)}, commit {commit}, digest {digest}"


def _way_back(brief: Brief) -> list[str]:
    if brief.choices:
        choices = ", ".join(markdown.code(version) for version in brief.choices[:_SHOWN])
        return ["verified before, and could be chosen", choices]
    return ["a rollback returns to", _back(brief)]


def _back(brief: Brief) -> str:
    if not brief.environment.migration.backward_compatible:
        return "**nothing by itself**: the migration is declared incompatible, so a person decides"
    if brief.standing is None or not brief.standing.verified:
        return "**nothing**: no verified release serves there"
    return _standing(brief, brief.standing)


def _plan(environment: EnvironmentConfig) -> str:
    steps = " %, ".join(map(str, environment.strategy.steps))
    gate = environment.gate
    where = f"{len(environment.targets)} targets, " if environment.targets else ""
    return (
        f"{where}{environment.target.kind.value}: {steps} % of the traffic, at least "
        f"{format_duration(environment.strategy.pause)} apart; then watched for {format_duration(gate.bake)}; "
        f"failed wrongly at most {gate.alpha:.0%} of the time"
    )


def _migration(environment: EnvironmentConfig) -> str:
    hooks = [moment for moment in ("before", "after") if getattr(environment.migration, moment)]
    if not hooks:
        return "none"
    back = "and" if environment.migration.backward_compatible else "but NOT"
    return f"a command {' and '.join(hooks)} the promotion, {back} compatible with the release before"


def _commits(brief: Brief) -> str:
    if brief.standing is None:
        return "Everything: it is the first release there."
    if brief.commits is None:
        return f"Unknown: {_sha(brief, brief.standing.release.commit)} is not in this checkout."
    if not brief.commits:
        return "No commit that does not serve already."
    lines = [_line(brief, commit) for commit in brief.commits[:_SHOWN]]
    if len(brief.commits) > _SHOWN:
        lines.append(f"- and {len(brief.commits) - _SHOWN} more, or more than that")
    return "\n".join(lines)


def _line(brief: Brief, commit: Commit) -> str:
    subject = markdown.escape(shorten(commit.subject, _LONGEST))
    pull = ""
    if commit.pull and brief.repository_url:
        pull = f" ([pull request {commit.pull}]({brief.repository_url}/pull/{commit.pull}))"
    return f"- {_sha(brief, commit.sha)} {subject}, by {markdown.escape(shorten(commit.author, _LONGEST))}{pull}"


def _sha(brief: Brief, sha: str) -> str:
    short = markdown.code(sha[:12] or "unknown")
    linked = brief.repository_url and sha.isalnum()
    return f"[{short}]({brief.repository_url}/commit/{sha})" if linked else short


def _shown(brief: Brief) -> str:
    rows = [[*map(_cell, (one["stage"], one["decision"], one["message"])), _measured(one)] for one in brief.evidence]
    if one := brief.previous:
        stage = f"{one.get('command', '')} {one.get('environment', '')}"
        cells = [_cell(stage), _cell(one.get("decision", "")), _cell(one.get("message", ""))]
        rows.append([*cells, "; ".join(_budgets(one.get("budgets")))])
    return markdown.table(["stage", "ended", "", "measured"], rows)


def _cell(text: Any) -> str:
    return markdown.escape(shorten(str(text), _LONGEST))


def _measured(evidence: Mapping[str, Any]) -> str:
    coverage = evidence["facts"].get("coverage")
    if coverage is not None:
        return f"coverage {coverage:.1%}"
    found = "; ".join(f"{name}: {_numbers(counts)}" for name, counts in evidence["facts"].get("counts", {}).items())
    return markdown.escape(found)


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {severity.lower()}" for severity, number in counts.items() if number) or "none"


def _budgets(budgets: Any) -> Iterator[str]:
    for line in budgets if isinstance(budgets, list) else []:
        if isinstance(line, dict) and isinstance(line.get("measured"), int | float):
            kept = "" if line.get("kept") else " ✗"
            yield _cell(f"{line.get('name')} {line['measured']:g} of {line.get('limit')} {line.get('unit')}") + kept


def _delta(brief: Brief) -> Iterator[str]:
    """Yield how the numbers differ from those of what serves, for each scan that both had."""
    before = {one["stage"]: one["facts"].get("counts", {}).get("vulnerabilities") for one in brief.serving}
    for one in brief.evidence:
        now, old = one["facts"].get("counts", {}).get("vulnerabilities"), before.get(one["stage"])
        if now is None:
            continue
        if old is None:
            yield f"- {_cell(one['stage'])}: {_numbers(now)}; nothing to compare with"
            continue
        changes = {severity: now.get(severity, 0) - old.get(severity, 0) for severity in {**old, **now}}
        told = ", ".join(f"{change:+d} {severity.lower()}" for severity, change in changes.items() if change)
        yield f"- {_cell(one['stage'])}: {_numbers(now)}; {markdown.escape(told) or 'as many as now'}"
