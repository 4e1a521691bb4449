"""What is known of one rollout, as pairs of a name and a value: its dossier for people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockgate.core import budgets
from lockgate.core.board.findings import fresh
from lockgate.core.board.story import Story
from lockgate.core.board.watches import number, told
from lockgate.core.ledger import Deployment
from lockgate.core.metrics_report import lasting

SHOWN = 8
"""New findings that are named."""
_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known."""

    group: str
    """`release`, `rollout`, `tests`, `scan`, `build` or `budgets`."""
    name: str
    value: str
    link: str = ""
    """An https address; whatever else a ledger holds is shown as text."""
    tone: str = ""


def facts(row: Deployment, story: Story) -> list[Fact]:
    """Give everything that is known, in the order in which people ask for it."""
    found = [*_release(row, story), *_rollout(row, story), *_tests(story.dossier)]
    found += [*_scan(story.dossier), *_new_findings(story), *_build(story.dossier), *_budgets(row)]
    return [fact for fact in found if fact.value]


def safe_link(text: object) -> str:
    """Give an address that may become a link; "" for `javascript:` and all else that is not plain https."""
    return text if isinstance(text, str) and len(text) < 2000 and _URL.fullmatch(text) else ""  # noqa: PLR2004


def _release(row: Deployment, story: Story) -> Iterator[Fact]:
    dossier = story.dossier
    yield Fact("release", "Commit", row.commit_hash)
    yield Fact("release", "Digest", _words(row.metadata.get("digest")))
    yield Fact("release", "Artifact", _words(row.metadata.get("artifact")).partition("@")[0])
    yield Fact("release", "Replaces", _words(row.metadata.get("baseline")))
    yield Fact("release", "Since commit", _words(told(story.plan, "baseline", "release", "commit")))
    yield Fact("release", "Repository", _words(told(dossier, "source", "repository")))
    yield Fact("release", "Branch or tag", _words(told(dossier, "source", "ref")).removeprefix("refs/heads/"))


def _rollout(row: Deployment, story: Story) -> Iterator[Fact]:
    begun = _words(row.metadata.get("started_at"))
    yield Fact("rollout", "Begun by", row.deployed_by)
    yield Fact("rollout", "Approved", _words(row.metadata.get("approval")) or "nobody was asked")
    yield Fact("rollout", "Platform", row.platform)
    if row.status != "in_progress" and (seconds := _between(begun, row.deployed_at)) is not None:
        yield Fact("rollout", "Took", lasting(seconds))
    run = _words(row.metadata.get("run_url"))
    yield Fact("rollout", "Run", run, safe_link(run))
    yield Fact("rollout", "In spite of a freeze", _words(row.metadata.get("override")), tone="warn")
    if story.plan and story.plan.get("reversible") is False:
        yield Fact("rollout", "Migration", "cannot be undone automatically", tone="warn")


def _tests(dossier: Mapping[str, Any]) -> Iterator[Fact]:
    tests = told(dossier, "evidence", "test", "facts", "tests")
    if isinstance(tests, Mapping):
        bad = number(tests.get("failed")) + number(tests.get("errors"))
        text = f"{number(tests.get('passed')):.0f} of {number(tests.get('total')):.0f} passed"
        skipped = number(tests.get("skipped"))
        yield Fact(
            "tests", "Tests", f"{text}, {skipped:.0f} skipped" if skipped else text, tone="bad" if bad else "good"
        )
    coverage = told(dossier, "evidence", "test", "facts", "coverage")
    if coverage is not None:
        yield Fact("tests", "Coverage", f"{number(coverage):.1%}")


def _scan(dossier: Mapping[str, Any]) -> Iterator[Fact]:
    for stage, name in (("scan", "source"), ("scan-image", "image")):
        found = told(dossier, "evidence", stage, "facts")
        if not isinstance(found, Mapping):
            continue
        counts = found.get("counts")
        for kind, by_severity in (counts if isinstance(counts, Mapping) else {}).items():
            seen = by_severity if isinstance(by_severity, Mapping) else {}
            text = ", ".join(f"{number(many):.0f} {severity}" for severity, many in seen.items() if number(many))
            yield Fact("scan", f"{str(kind).capitalize()}, {name}", text or "none")
        blocking = number(found.get("blocking"))
        yield Fact("scan", f"Blocking, {name}", f"{blocking:.0f}", tone="bad" if blocking else "good")


def _new_findings(story: Story) -> Iterator[Fact]:
    """Yield what came with this release; of a first one everything did, and there is nothing to compare with."""
    if story.scan is None or not story.plan.get("baseline"):
        return
    found = fresh(story.scan)
    yield Fact("scan", "New with it", str(len(found)) if found else "nothing", tone="warn" if found else "good")
    for one in found[:SHOWN]:
        yield Fact("scan", one.id, one.words.partition(" ")[2])


def _build(dossier: Mapping[str, Any]) -> Iterator[Fact]:
    build = dossier.get("build")
    if not isinstance(build, Mapping):
        return
    yield Fact("build", "Built by", _words(build.get("builder")))
    if size := number(build.get("size")):
        yield Fact("build", "Size", f"{size / 1e6:.1f} MB")
    provenance = dossier.get("provenance")
    yield Fact("build", "Provenance", _words(told(dossier, "provenance", "workflow")) if provenance else "")


def _budgets(row: Deployment) -> Iterator[Fact]:
    lines = sorted(budgets.in_rollout(row.metadata.get("budgets")), key=lambda line: budgets.rank(line.name))
    for line in lines:
        of = "at least" if line.unit == budgets.SHARE else "at most"
        measured = budgets.amount(line.measured or 0.0, line.unit)
        text = f"{measured}, {of} {budgets.amount(line.limit, line.unit)}"
        yield Fact("budgets", budgets.title(line.name).capitalize(), text, tone="good" if line.kept else "bad")
    if not lines and row.status != "in_progress":
        yield Fact("budgets", "Budgets", "not recorded")


def _between(begin: str, end: str) -> float | None:
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    except ValueError:
        return None


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""
