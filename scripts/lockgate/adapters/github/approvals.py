"""What GitHub knows about approval: an environment's rules, a run's reviews, and who started a run."""

from typing import Any
from urllib.parse import quote

from lockgate.adapters.github.client import GitHub
from lockgate.core.protection import Protection, Review, Run
from lockgate.errors import GitHubError

_NOT_THERE = 404


def protection(hub: GitHub, environment: str) -> Protection:
    """Read an environment's rules. Raise GitHubError where they cannot be read."""
    path = f"/environments/{quote(environment, safe='')}"
    answer = hub.get(path, expect=(_NOT_THERE,))
    if answer.status == _NOT_THERE:
        return Protection(environment, exists=False)
    rules = answer.body.get("protection_rules") or []
    asked = [rule for rule in rules if rule.get("type") == "required_reviewers"]
    policy = answer.body.get("deployment_branch_policy") or {}
    branches = "protected" if policy.get("protected_branches") else ""
    names: tuple[str, ...] = ()
    if policy.get("custom_branch_policies"):
        branches = "custom"
        allowed = hub.pages(f"{path}/deployment-branch-policies", "branch_policies")
        names = tuple(str(one.get("name", "")) for one in allowed)
    return Protection(
        environment,
        reviewers=tuple(_name(one) for rule in asked for one in rule.get("reviewers") or []),
        prevents_self_review=any(rule.get("prevent_self_review") for rule in asked),
        branches=branches,
        names=names,
    )


def reviews(hub: GitHub, run: str) -> list[Review]:
    """Read what people said to a run that waited. GitHub gives no time of a review, and none of its attempt."""
    found = hub.get(f"/actions/runs/{run}/approvals").body
    return [
        Review(
            str((one.get("user") or {}).get("login", "")),
            str(one.get("state", "")),
            frozenset(str(each.get("name", "")) for each in one.get("environments") or []),
        )
        for one in found
    ]


def run_of(hub: GitHub, run: str) -> Run:
    """Read which attempt it is, and who started or restarted it."""
    one = hub.get(f"/actions/runs/{run}").body
    behind = [one.get("actor"), one.get("triggering_actor")]
    attempt = one.get("run_attempt")
    if not isinstance(attempt, int):
        raise GitHubError("GitHub did not say which attempt of the run this is.")
    return Run(attempt, frozenset(str(person["login"]) for person in behind if person and person.get("login")))


def _name(entry: dict[str, Any]) -> str:
    reviewer = entry.get("reviewer") or {}
    return f"team {reviewer.get('name', '')}" if entry.get("type") == "Team" else str(reviewer.get("login", ""))
