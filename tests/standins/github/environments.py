"""Environments, their protection rules, and what a waiting run was answered."""

import re

from tests.standins.github.state import Refused


def one(state, query, body, name):
    if name not in state.environments:
        raise Refused(404, "Not Found")
    return 200, state.environments[name]


def policies(state, query, body, name):
    found = state.policies.get(name, [])
    shown = [{"id": n, "node_id": f"P_{n}", "name": each, "type": "branch"} for n, each in enumerate(found, 1)]
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return 200, {"total_count": len(shown), "branch_policies": shown[size * (page - 1) : size * page]}


ROUTES = [
    ("GET", re.compile("/environments/([^/]+)"), "actions", "read", one),
    ("GET", re.compile("/environments/([^/]+)/deployment-branch-policies"), "actions", "read", policies),
]
