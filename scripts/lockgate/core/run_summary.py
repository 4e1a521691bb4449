"""A run of several stages as one table: how each ended, and where its time went."""

from collections.abc import Sequence

from lockgate.core import markdown
from lockgate.core.result import BudgetLine, Result

HEADER = ("stage", "ended", "seconds", "budget", "tools", "watching", "Lockgate")
_STAGE_BUDGETS = {"build", "deploy"}


def rows(results: Sequence[Result]) -> list[list[str]]:
    """Give one row a stage, as plain text."""
    return [
        [
            _stage(result),
            result.decision.value,
            f"{result.seconds.total:.1f}",
            _limit(result.budgets),
            f"{result.seconds.tool:.1f}",
            f"{result.seconds.watching:.1f}",
            f"{result.seconds.own:.1f}",
        ]
        for result in results
    ]


def summary(results: Sequence[Result]) -> str:
    """Give the Markdown for a job's summary."""
    last = results[-1]
    title = markdown.escape(f"{last.decision.value}: {last.message}")
    cells = [[markdown.escape(cell) for cell in row] for row in rows(results)]
    return f"### lockgate run: {title}\n\n{markdown.table(list(HEADER), cells)}\n"


def _stage(result: Result) -> str:
    what = "artifact" if result.command == "scan" and result.data.get("artifact") else result.environment
    return f"{result.command} {what}".strip()


def _limit(budgets: Sequence[BudgetLine]) -> str:
    return next((f"{line.limit:.0f}" for line in budgets if line.name in _STAGE_BUDGETS), "")
