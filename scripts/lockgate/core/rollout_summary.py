"""How a rollout is told: in the result's data, its budgets, and Markdown for the job summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.core import markdown
from lockgate.core.config import Budgets
from lockgate.core.evidence import amount
from lockgate.core.gate_summary import evidence, examples
from lockgate.core.reasons import Outcome
from lockgate.core.release import Artifact
from lockgate.core.result import BudgetLine
from lockgate.core.rollout_model import Standing, State, Watch
from lockgate.core.samples import GateReport, Verdict
from lockgate.core.trace import trace_id

Reports = Sequence[tuple[Watch, GateReport]]
_TITLES = {
    Outcome.DEPLOYED: "✓ deployed",
    Outcome.ABORTED: "✗ aborted: it never took traffic",
    Outcome.ROLLED_BACK: "↩ rolled back, and the restored release was judged healthy",
    Outcome.BROKEN: "✗ broken: a person is needed",
}


def budget_lines(reports: Reports, seconds: float, budgets: Budgets) -> tuple[BudgetLine, ...]:
    """Give the budgets a rollout can measure; response and availability as the last watch of the new revision saw."""
    lines = [BudgetLine("deploy", budgets.deploy, round(seconds, 3), "s", seconds <= budgets.deploy)]
    judged = [report for watch, report in reports if watch is not Watch.RESTORED]
    if judged:
        last = judged[-1]
        if last.p95 is not None:
            lines.append(BudgetLine("response_p95", budgets.response, last.p95, "s", last.p95 <= budgets.response))
        for indicator in last.indicators:
            if indicator.name == "availability" and indicator.total:
                share = 1 - indicator.bad / indicator.total
                lines.append(
                    BudgetLine(
                        "availability", budgets.availability, round(share, 6), "share", share >= budgets.availability
                    )
                )
    return tuple(lines)


def data(state: State, reports: Reports) -> Mapping[str, Any]:
    """Give what only a rollout has to say, for the result's JSON."""
    baseline = state.plan.baseline
    return {
        "rollout": state.plan.rollout,
        "trace": trace_id(state.plan.rollout),
        "outcome": state.outcome.value if state.outcome else "",
        "steps": list(state.plan.steps),
        "approval": state.plan.approval,
        "kind": state.plan.kind.value,
        "override": state.plan.override,
        "baseline": {"version": baseline.release.version, "digest": baseline.release.artifact.digest}
        if baseline
        else None,
        "analyses": [{"stage": watch.value, **report.to_dict()} for watch, report in reports],
    }


def summary(state: State, reports: Reports, headline: str) -> str:
    """Give the Markdown of the job summary."""
    release, baseline = state.plan.release, state.plan.baseline
    outcome = state.outcome or Outcome.BROKEN
    where = markdown.escape(state.plan.environment)
    lines = [
        f"### {_TITLES[outcome]}: {markdown.escape(release.service)} in {where}",
        "",
        markdown.escape(headline) + ".",
        "",
        markdown.table(
            ["", "release", "commit", "digest"],
            [
                ["new", markdown.code(release.version), markdown.code(release.commit[:12]), _digest(release.artifact)],
                ["before", *_before(baseline)],
            ],
        ),
        "",
    ]
    if reports:
        lines += ["**What the gate saw**", "", markdown.table(_HEADER, _rows(reports)), ""]
    # What stopped the rollout is what people want to see; a restored release that passed says nothing about that.
    stopped = [(watch, report) for watch, report in reports if report.verdict is not Verdict.SUCCESSFUL]
    for watch, report in stopped[:1]:
        if drawn := evidence(report):
            lines += [f"**The watch that stopped it: {_name(watch)}**", "", markdown.block("\n".join(drawn)), ""]
        if seen := examples(report):
            lines += ["**Examples of bad answers**", "", markdown.block("\n".join(seen)), ""]
    if state.plan.approval:
        lines.append(f"Approval: {markdown.escape(state.plan.approval)}.")
    if state.plan.override:
        lines += ["", f"Deployed in spite of a freeze or a hold: {markdown.escape(state.plan.override)}"]
    return "\n".join(lines)


_HEADER = ["watch", "verdict", "indicator", "bad of all", "evidence / limit", "seconds"]


def _rows(reports: Reports) -> list[list[str]]:
    return [
        [
            _name(watch),
            report.verdict.value,
            indicator.name,
            f"{indicator.bad} of {indicator.total}",
            f"{amount(indicator.log10_evidence)} / {amount(report.log10_limit)}",
            f"{report.seconds:.1f}",
        ]
        for watch, report in reports
        for indicator in report.indicators
    ]


def _name(watch: Watch) -> str:
    return watch.value.replace("_", " ")


def _digest(artifact: Artifact) -> str:
    return markdown.code(artifact.short)


def _before(baseline: Standing | None) -> list[str]:
    if baseline is None:
        return ["nothing verified", "", ""]
    release = baseline.release
    return [markdown.code(release.version), markdown.code(release.commit[:12]), _digest(release.artifact)]
