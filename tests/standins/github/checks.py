"""Check runs and commit statuses."""

import re

from tests.standins.github.state import BOT, Refused, stamp, user


def create(state, query, body):
    if body["head_sha"] not in state.commits:
        raise Refused(422, f"No commit found for SHA: {body['head_sha']}")
    if len(body.get("output", {}).get("annotations", [])) > 50:
        raise Refused(422, "Invalid request. No more than 50 items are allowed.")
    number = next(state.ids)
    output = body.get("output", {})
    one = {
        "id": number, "head_sha": body["head_sha"], "node_id": f"CR_{number}", "external_id": body.get("external_id", ""),
        "url": f"{state.url}/check-runs/{number}", "html_url": f"https://github.com/{state.name}/runs/{number}",
        "details_url": body.get("details_url", ""), "status": body.get("status", "queued"),
        "conclusion": body.get("conclusion"), "started_at": stamp(),
        "completed_at": stamp() if body.get("conclusion") else None,
        "output": {
            "title": output.get("title"), "summary": output.get("summary"), "text": output.get("text"),
            "annotations_count": len(output.get("annotations", [])),
            "annotations_url": f"{state.url}/check-runs/{number}/annotations",
        },
        "name": body["name"], "check_suite": {"id": 5}, "app": None, "pull_requests": [],
    }  # fmt: skip
    state.checks.append({"shown": one, "annotations": output.get("annotations", [])})
    return 201, one


def status(state, query, body, sha):
    if sha not in state.commits:
        raise Refused(422, f"No commit found for SHA: {sha}")
    if len(body.get("description") or "") > 140:
        raise Refused(422, "Validation Failed")
    number = next(state.ids)
    one = {
        "url": f"{state.url}/statuses/{sha}", "avatar_url": "https://avatars.example/u", "id": number,
        "node_id": f"SC_{number}", "state": body["state"], "description": body.get("description"),
        "target_url": body.get("target_url"), "context": body.get("context", "default"),
        "created_at": stamp(), "updated_at": stamp(), "creator": user(BOT),
    }  # fmt: skip
    state.statuses.append({"sha": sha, "shown": one})
    return 201, one


ROUTES = [
    ("POST", re.compile("/check-runs"), "checks", "write", create),
    ("POST", re.compile("/statuses/([0-9a-f]{40})"), "statuses", "write", status),
]
