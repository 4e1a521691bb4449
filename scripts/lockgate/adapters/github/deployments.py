"""Deployments: the one that belongs to this rollout, what is said about it, and the older ones that it ends."""

import re
from collections.abc import Mapping
from typing import Any

from lockgate.adapters.github.client import GitHub
from lockgate.core.github_report import short

_LOOKED_AT = 30
_RUN = re.compile(r"/actions/runs/(\d+)")
_OPEN = {"in_progress", "queued", "pending"}


def mine(hub: GitHub, environment: str, sha: str, run_id: str, payload: Mapping[str, str]) -> int:
    """Find the deployment that GitHub made for this job, or that this rollout made before; else create one."""
    for one in _recent(hub, environment, sha=sha):
        made_here = (one["payload"] or {}) == payload
        if made_here or (run_id and any(_run_of(status) == run_id for status in _statuses(hub, one["id"]))):
            return int(one["id"])
    asked = {
        "ref": sha,
        "environment": environment,
        "auto_merge": False,
        # What must have passed is Lockgate's to say; GitHub would refuse for any unfinished check, this job's included.
        "required_contexts": [],
        "payload": payload,
        "description": short(f"{payload.get('service', '')} {payload.get('version', '')}"),
    }
    return int(hub.call("POST", "/deployments", asked).body["id"])


def say(hub: GitHub, number: int, state: str, text: str, *, log_url: str = "", url: str = "") -> None:
    """Add a status."""
    body = {"state": state, "description": short(text), "auto_inactive": False}
    body |= {"log_url": log_url} if log_url else {}
    body |= {"environment_url": url} if url.startswith(("http://", "https://")) else {}
    hub.call("POST", f"/deployments/{number}/statuses", body)


def end_others(hub: GitHub, environment: str, number: int, *, superseded: bool) -> None:
    """Close what a lost run left in progress; and, where this one serves now, mark what served before inactive."""
    for one in _recent(hub, environment):
        if one["id"] == number:
            continue
        last = next(iter(_statuses(hub, one["id"])), None)
        if last is None:
            continue
        if superseded and last["state"] == "success":
            say(hub, one["id"], "inactive", "another release serves now")
        elif last["state"] in _OPEN and _is_over(hub, last):
            say(hub, one["id"], "error", "its run ended without saying how")


def _recent(hub: GitHub, environment: str, *, sha: str = "") -> list[Any]:
    asked: dict[str, str | int] = {"environment": environment, "per_page": _LOOKED_AT}
    asked |= {"sha": sha} if sha else {}
    return list(hub.call("GET", "/deployments", parameters=asked).body)


def _statuses(hub: GitHub, number: int) -> list[Any]:
    """Give a deployment's statuses, the newest first."""
    return list(hub.get(f"/deployments/{number}/statuses", per_page=_LOOKED_AT).body)


def _run_of(status: Mapping[str, Any]) -> str:
    found = _RUN.search(str(status.get("log_url") or status.get("target_url") or ""))
    return found[1] if found else ""


def _is_over(hub: GitHub, status: Mapping[str, Any]) -> bool:
    """Whether the run behind a status has ended. One that names no run was Lockgate's, and its lease is ours now."""
    run = _run_of(status)
    return not run or hub.get(f"/actions/runs/{run}").body.get("status") == "completed"
