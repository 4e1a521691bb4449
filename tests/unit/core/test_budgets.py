"""Budgets that were kept and broken, counted by hand."""

import pytest

from lockgate.core.budgets import Breach, Kept, Measured, Promises, amount, count, in_rollout, read
from lockgate.core.result import BudgetLine

DEPLOY = BudgetLine("deploy", 300, 120.5, "s", kept=True)
SLOW = BudgetLine("deploy", 300, 310.0, "s", kept=False)
COVERED = BudgetLine("coverage", 0.9, 0.94, "share", kept=True)


def ended(number, *lines, place="production"):
    return Measured(f"r{number}", "shop", place, f"v{number}", f"2026-11-0{number}T00:00:00+00:00", lines)


def test_each_budget_is_counted_in_its_place():
    """Numerator, denominator, the newest limit, the worst that was measured, and who broke it, the newest first."""
    lower = BudgetLine("coverage", 0.8, 0.85, "share", kept=True)
    found = count([ended(1, SLOW, COVERED), ended(2, DEPLOY, lower), ended(3), ended(4, place="staging")])
    assert found == [
        Promises("shop", "production", 3, 2, (
            Kept("coverage", "share", 0.8, 2, 2, 0.85),
            Kept("deploy", "s", 300, 1, 2, 310.0, (Breach("r1", "v1", 310.0, 300),)),
        )),
        Promises("shop", "staging", 1, 0, ()),
    ]  # fmt: skip
    assert (found[0].kept, found[0].measured, found[1].measured) == (3, 4, 0)
    many = count([ended(number, SLOW) for number in range(1, 9)])[0].budgets[0]
    assert [one.rollout for one in many.breaches] == ["r8", "r7", "r6", "r5", "r4"]
    assert (many.kept, many.measured) == (0, 8)


@pytest.mark.parametrize(
    "line",
    [
        None,
        "deploy",
        {**DEPLOY.to_dict(), "kept": None, "measured": None},
        {**DEPLOY.to_dict(), "kept": "yes"},
        {**DEPLOY.to_dict(), "measured": True},
        {**DEPLOY.to_dict(), "limit": "300"},
        {**DEPLOY.to_dict(), "measured": float("inf")},
        {**DEPLOY.to_dict(), "name": None},
        {name: value for name, value in DEPLOY.to_dict().items() if name != "unit"},
    ],
)
def test_what_was_not_measured_counts_nowhere(line):
    """Neither what has no value, nor what is no line at all: others beside it do."""
    assert read([line, DEPLOY.to_dict()]) == [DEPLOY]


def test_what_an_earlier_version_wrote_has_none():
    """It is not made up from a limit of today."""
    for kept in (None, {}, {"release": None, "rollout": None}, [], "x"):
        assert in_rollout(kept) == []
    both = {"release": [COVERED.to_dict()], "rollout": [DEPLOY.to_dict()]}
    assert in_rollout(both) == [COVERED, DEPLOY]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.9995, "share", "99.95 %"), (1.53e8, "bytes", "153.0 MB"), (0.2, "s", "200 ms"), (12.34, "s", "12.3 s"), (180, "s", "3m"), (3, "x", "3 x")],
)  # fmt: skip
def test_what_was_measured_is_written_in_its_unit(value, unit, expected):
    assert amount(value, unit) == expected
