"""What people read beside the code: commit statuses, check runs, the one comment on a pull request, issues."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lockgate.adapters.github.client import GitHub
from lockgate.core import github_report
from lockgate.core.github_report import short

_NO_COMMIT = 422
_MOST_TEXT = 60_000
_MOST_COMMENTS = 300


def status(hub: GitHub, sha: str, context: str, state: str, text: str, *, url: str) -> None:
    """Set the commit's status of one environment."""
    body = {"state": state, "context": context, "description": short(text)}
    hub.call("POST", f"/statuses/{quote(sha, safe='')}", body | ({"target_url": url} if url else {}))


def check(hub: GitHub, sha: str, name: str, conclusion: str, output: Mapping[str, Any], *, url: str) -> None:
    """Show what one gate saw."""
    shown = {**output, "summary": str(output["summary"])[:_MOST_TEXT]}
    body = {"name": name, "head_sha": sha, "status": "completed", "conclusion": conclusion, "output": shown}
    hub.call("POST", "/check-runs", body | ({"details_url": url} if url else {}))


def pull_request(hub: GitHub, sha: str) -> int | None:
    """Find the pull request that was merged as this commit, however: by a merge, squashed, or rebased.

    A commit's message may name any number; this is what GitHub itself knows. It also lists pull requests that only have
    the commit on their branch: of those nobody deployed anything.
    """
    found = hub.get(f"/commits/{quote(sha, safe='')}/pulls", expect=(_NO_COMMIT,))
    listed = found.body if found.status != _NO_COMMIT else []
    merged = (one for one in listed if one.get("merged_at") and one.get("merge_commit_sha") == sha)
    return next((int(one["number"]) for one in merged), None)


def comment(hub: GitHub, pull: int, service: str, entry: Mapping[str, str]) -> None:
    """Write the one comment, or bring it up to date. Only a bot's comment is taken for ours."""
    for one in hub.pages(f"/issues/{pull}/comments", most=_MOST_COMMENTS):
        known = github_report.entries(str(one.get("body") or ""), service)
        if known is not None and (one.get("user") or {}).get("type") == "Bot":
            text = github_report.comment(service, {**known, entry["environment"]: entry})
            hub.call("PATCH", f"/issues/comments/{one['id']}", {"body": text})
            return
    text = github_report.comment(service, {entry["environment"]: entry})
    hub.call("POST", f"/issues/{pull}/comments", {"body": text})


def broken(hub: GitHub, mark: str, issue: Mapping[str, Any]) -> None:
    """Open the issue, or say in the open one that it is still so."""
    if number := _open_issue(hub, mark):
        hub.call("POST", f"/issues/{number}/comments", {"body": f"Broken again.\n\n{issue['body']}"})
        return
    hub.call("POST", "/issues", issue)


def restored(hub: GitHub, mark: str, text: str) -> None:
    """Close the issue, if there is one."""
    if number := _open_issue(hub, mark):
        hub.call("POST", f"/issues/{number}/comments", {"body": text})
        hub.call("PATCH", f"/issues/{number}", {"state": "closed", "state_reason": "completed"})


def _open_issue(hub: GitHub, mark: str) -> int | None:
    found = hub.get("/issues", state="open", labels="lockgate", per_page=100).body
    return next((int(one["number"]) for one in found if mark in str(one.get("body") or "")), None)
