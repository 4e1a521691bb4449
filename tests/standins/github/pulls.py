"""Pull requests, as far as it matters which commit one was merged as."""

import re

from tests.standins.github.state import Refused, repository, stamp, user


def one(state, query, body, number):
    if int(number) not in state.pulls:
        raise Refused(404, "Not Found")
    pull = state.pulls[int(number)]
    page, web = f"{state.url}/pulls/{number}", f"https://github.com/{state.name}/pull/{number}"
    merged = pull["merge_commit_sha"] is not None
    side = {"label": "ada:tea", "ref": "tea", "repo": repository(state), "sha": pull["head"], "user": user("ada")}
    links = ["comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self"]
    return 200, {
        "url": page, "id": 5000 + int(number), "node_id": "PR_1", "html_url": web, "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch", "issue_url": f"{state.url}/issues/{number}", "commits_url": f"{page}/commits",
        "review_comments_url": f"{page}/comments", "review_comment_url": f"{state.url}/pulls/comments{{/number}}",
        "comments_url": f"{state.url}/issues/{number}/comments", "statuses_url": f"{state.url}/statuses/{pull['head']}",
        "number": int(number), "state": "closed" if merged else "open", "locked": False, "title": "Sell tea",
        "user": user("ada"), "body": None, "labels": [], "milestone": None, "created_at": stamp(), "updated_at": stamp(),
        "closed_at": stamp() if merged else None, "merged_at": stamp() if merged else None,
        "merge_commit_sha": pull["merge_commit_sha"], "assignee": None, "head": side, "base": side | {"ref": "main"},
        "_links": {name: {"href": page} for name in links}, "author_association": "OWNER", "auto_merge": None,
        "merged": merged, "mergeable": None, "mergeable_state": "unknown", "merged_by": user("ada") if merged else None,
        "comments": 0, "review_comments": 0, "maintainer_can_modify": False, "commits": 1, "additions": 1,
        "deletions": 1, "changed_files": 1,
    }  # fmt: skip


def of_commit(state, query, body, sha):
    """The ones that GitHub says belong to a commit: merged as it, or with it on their branch."""
    if sha not in state.commits:
        raise Refused(422, f"No commit found for SHA: {sha}")
    mine = [number for number, pull in state.pulls.items() if sha in {pull["merge_commit_sha"], *pull["commits"]}]
    return 200, [one(state, query, body, number)[1] for number in mine]


ROUTES = [
    ("GET", re.compile(r"/commits/([0-9a-f]{40})/pulls"), "pull-requests", "read", of_commit),
    ("GET", re.compile(r"/pulls/(\d+)"), "pull-requests", "read", one),
]
