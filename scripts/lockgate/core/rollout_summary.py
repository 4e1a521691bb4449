"""How a rollout is told: in the result's data, its budgets, and Markdown for the job summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.core import markdown
from lockgate.core.config import Budgets
from lockgate.core.reasons import Outcome
from lockgate.core.release import Artifact
from lockgate.core.result import BudgetLine
from lockgate.core.rollout_model import Standing, State, Watch
from lockgate.core.samples import GateReport

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
    examples = [text for _, report in reports for i in report.indicators for text in i.examples][:3]
    if examples:
        lines += ["**Examples of bad answers**", "", markdown.block("\n".join(examples)), ""]
    if state.plan.approval:
        lines.append(f"Approval: {markdown.escape(state.plan.approval)}.")
    if state.plan.override:
        lines += ["", f"Deployed in spite of a freeze or a hold: {markdown.escape(state.plan.override)}"]
    return "\n".join(lines)


_HEADER = ["watch", "verdict", "indicator", "bad of all", "evidence / limit", "seconds"]


def _rows(reports: Reports) -> list[list[str]]:
    return [
        [
            watch.value.replace("_", " "),
            report.verdict.value,
            indicator.name,
            f"{indicator.bad} of {indicator.total}",
            f"{_power(indicator.log10_evidence)} / {_power(report.log10_limit)}",
            f"{report.seconds:.1f}",
        ]
        for watch, report in reports
        for indicator in report.indicators
    ]


def _power(log10: float) -> str:
    return f"{10**log10:.3g}" if abs(log10) < 6 else f"10^{log10:.0f}"  # noqa: PLR2004 - where digits stop helping


def _digest(artifact: Artifact) -> str:
    return markdown.code(artifact.short)


def _before(baseline: Standing | None) -> list[str]:
    if baseline is None:
        return ["nothing verified", "", ""]
    release = baseline.release
    return [markdown.code(release.version), markdown.code(release.commit[:12]), _digest(release.artifact)]
