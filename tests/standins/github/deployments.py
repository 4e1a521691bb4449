"""Deployments and their statuses."""

import re

from tests.standins.github.state import BOT, Refused, stamp, user

STATES = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success", "waiting"}


def create(state, query, body):
    if body["ref"] not in {*state.commits, *state.branches}:
        raise Refused(422, f"No ref found for: {body['ref']}")
    number = next(state.ids)
    sha = state.branches.get(body["ref"], body["ref"])
    url = f"{state.url}/deployments/{number}"
    one = {
        "url": url, "id": number, "node_id": f"DE_{number}", "sha": sha, "ref": body["ref"],
        "task": body.get("task", "deploy"), "payload": body.get("payload", {}),
        "original_environment": body.get("environment", "production"),
        "environment": body.get("environment", "production"), "description": body.get("description") or None,
        "creator": user(BOT), "created_at": stamp(), "updated_at": stamp(), "statuses_url": f"{url}/statuses",
        "repository_url": state.url, "transient_environment": body.get("transient_environment", False),
        "production_environment": body.get("production_environment", False),
    }  # fmt: skip
    state.deployments.append({"shown": one, "statuses": []})
    return 201, one


def listed(state, query, body):
    found = [d["shown"] for d in reversed(state.deployments)]
    for key in ("environment", "sha", "ref", "task"):
        if key in query:
            found = [d for d in found if d[key] == query[key]]
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return 200, found[size * (page - 1) : size * page]


def find(state, number):
    for one in state.deployments:
        if one["shown"]["id"] == int(number):
            return one
    raise Refused(404, "Not Found")


def set_status(state, query, body, number):
    deployment = find(state, number)
    if body["state"] not in STATES:
        raise Refused(422, "Validation Failed")
    if len(body.get("description", "")) > 140:
        raise Refused(422, "Description is too long (maximum is 140 characters)")
    status = put_status(state, deployment, **body)
    if body["state"] == "success" and body.get("auto_inactive", True):
        for other in state.deployments:
            same = other["shown"]["environment"] == deployment["shown"]["environment"]
            prior = other["shown"]["id"] < deployment["shown"]["id"]
            spared = other["shown"]["transient_environment"] or other["shown"]["production_environment"]
            if same and prior and not spared and current(other) == "success":
                put_status(state, other, state="inactive")
    return 201, status


def put_status(state_, deployment, **body):
    number = next(state_.ids)
    url = deployment["shown"]["url"]
    one = {
        "url": f"{url}/statuses/{number}", "id": number, "node_id": f"DES_{number}", "state": body["state"],
        "creator": user(BOT), "description": body.get("description", ""),
        "environment": deployment["shown"]["environment"], "target_url": body.get("log_url", ""),
        "created_at": stamp(), "updated_at": stamp(), "deployment_url": url, "repository_url": state_.url,
        "environment_url": body.get("environment_url", ""), "log_url": body.get("log_url", ""),
    }  # fmt: skip
    deployment["statuses"].append(one)
    return one


def current(deployment):
    return deployment["statuses"][-1]["state"] if deployment["statuses"] else "pending"


def statuses(state, query, body, number):
    return 200, list(reversed(find(state, number)["statuses"]))[: int(query.get("per_page", 30))]


ROUTES = [
    ("POST", re.compile("/deployments"), "deployments", "write", create),
    ("GET", re.compile("/deployments"), "deployments", "read", listed),
    ("POST", re.compile(r"/deployments/(\d+)/statuses"), "deployments", "write", set_status),
    ("GET", re.compile(r"/deployments/(\d+)/statuses"), "deployments", "read", statuses),
]
