"""Workflow runs and their reviews."""

import re

from tests.standins.github.state import Refused, repository, stamp, user


def approvals(state, query, body, run):
    if int(run) not in state.runs:
        raise Refused(404, "Not Found")
    return 200, state.approvals.get(int(run), [])


def run(state, query, body, number):
    if int(number) not in state.runs:
        raise Refused(404, "Not Found")
    one = state.runs[int(number)]
    page = f"{state.url}/actions/runs/{number}"
    return 200, {
        "id": int(number), "name": "Deploy", "node_id": "WFR_1", "check_suite_id": 5, "check_suite_node_id": "CS_5",
        "head_branch": "main", "head_sha": state.head, "path": ".github/workflows/deploy.yml", "run_number": 3,
        "run_attempt": one.get("attempt", 1), "event": "push", "status": one["status"], "conclusion": one["conclusion"],
        "workflow_id": 9, "url": page, "html_url": f"https://github.com/{state.name}/actions/runs/{number}",
        "pull_requests": [], "created_at": stamp(), "updated_at": stamp(), "run_started_at": stamp(),
        "actor": user(one["actor"]), "triggering_actor": user(one["triggering_actor"]),
        "jobs_url": f"{page}/jobs", "logs_url": f"{page}/logs", "check_suite_url": f"{state.url}/check-suites/5",
        "artifacts_url": f"{page}/artifacts", "cancel_url": f"{page}/cancel", "rerun_url": f"{page}/rerun",
        "workflow_url": f"{state.url}/actions/workflows/9", "display_title": "Sell tea",
        "head_commit": {
            "id": state.head, "tree_id": state.head, "message": "Sell tea", "timestamp": stamp(),
            "author": {"name": "Grace", "email": "grace@example.com"},
            "committer": {"name": "Grace", "email": "grace@example.com"},
        },
        "repository": repository(state), "head_repository": repository(state),
    }  # fmt: skip


def listed(state, query, body):
    wanted = query.get("status")
    found = [number for number, one in state.runs.items() if wanted in {None, one["status"], one["conclusion"]}]
    return 200, {"total_count": len(found), "workflow_runs": [run(state, {}, None, number)[1] for number in found]}


def pending(state, query, body, number):
    waiting = state.runs[int(number)].get("waits_for", ())
    found = []
    for name in waiting:
        one = state.environments[name]
        rules = [rule for rule in one["protection_rules"] if rule["type"] == "required_reviewers"]
        shown = {key: one[key] for key in ("id", "node_id", "name", "url", "html_url")}
        reviewers = [reviewer for rule in rules for reviewer in rule["reviewers"]]
        found.append({"environment": shown, "wait_timer": 0, "wait_timer_started_at": None,
                      "current_user_can_approve": False, "reviewers": reviewers})  # fmt: skip
    return 200, found


def dispatch(state, query, body, workflow):
    if workflow not in state.workflows:
        raise Refused(404, "Not Found")
    if body["ref"] not in state.branches:
        raise Refused(422, f"No ref found for: {body['ref']}")
    if unknown := sorted(set(body.get("inputs") or {}) - state.workflows[workflow]):
        raise Refused(422, f"Unexpected inputs provided: {unknown}")
    state.dispatched.append((workflow, body))
    return 204, None


ROUTES = [
    ("GET", re.compile(r"/actions/runs"), "actions", "read", listed),
    ("GET", re.compile(r"/actions/runs/(\d+)/pending_deployments"), "actions", "read", pending),
    ("POST", re.compile(r"/actions/workflows/([^/]+)/dispatches"), "actions", "write", dispatch),
    ("GET", re.compile(r"/actions/runs/(\d+)/approvals"), "actions", "read", approvals),
    ("GET", re.compile(r"/actions/runs/(\d+)"), "actions", "read", run),
]
