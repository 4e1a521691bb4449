"""Issues, pull requests and the comments on both."""

import re

from tests.standins.github.state import BOT, Refused, stamp, user


def issue_shape(state, number, *, title, body, labels, author=BOT, open_=True, reason=None):
    page = f"{state.url}/issues/{number}"
    return {
        "id": 9000 + number, "node_id": f"I_{number}", "url": page, "repository_url": state.url,
        "labels_url": f"{page}/labels{{/name}}", "comments_url": f"{page}/comments", "events_url": f"{page}/events",
        "html_url": f"https://github.com/{state.name}/issues/{number}", "number": number,
        "state": "open" if open_ else "closed", "state_reason": reason, "title": title, "body": body,
        "user": user(author), "labels": [{"id": 1, "name": name, "color": "ededed"} for name in labels],
        "assignee": None, "assignees": [], "milestone": None, "locked": False, "comments": 0,
        "created_at": stamp(), "updated_at": stamp(), "closed_at": None if open_ else stamp(),
        "author_association": "NONE",
    }  # fmt: skip


def create(state, query, body):
    number = next(state.ids)
    state.issues.append(
        issue_shape(state, number, title=body["title"], body=body.get("body", ""), labels=body.get("labels", []))
    )
    return 201, state.issues[-1]


def listed(state, query, body):
    found = [i for i in reversed(state.issues) if query.get("state", "open") in {i["state"], "all"}]
    if "labels" in query:
        found = [i for i in found if query["labels"] in {label["name"] for label in i["labels"]}]
    return 200, found[: int(query.get("per_page", 30))]


def change(state, query, body, number):
    for issue in state.issues:
        if issue["number"] == int(number):
            if body.get("state") == "closed":
                issue |= {
                    "state": "closed",
                    "state_reason": body.get("state_reason", "completed"),
                    "closed_at": stamp(),
                }
            return 200, issue
    raise Refused(404, "Not Found")


def comment(state, query, body, number):
    if int(number) not in {*state.pulls, *(i["number"] for i in state.issues)}:
        raise Refused(404, "Not Found")
    one = next(state.ids)
    state.comments.append({
        "id": one, "node_id": f"IC_{one}", "url": f"{state.url}/issues/comments/{one}", "body": body["body"],
        "html_url": f"https://github.com/{state.name}/issues/{number}#issuecomment-{one}", "user": user(BOT),
        "created_at": stamp(), "updated_at": stamp(), "issue_url": f"{state.url}/issues/{number}",
        "author_association": "NONE",
    })  # fmt: skip
    return 201, state.comments[-1]


def comments(state, query, body, number):
    found = [c for c in state.comments if c["issue_url"].endswith(f"/{number}")]
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return 200, found[size * (page - 1) : size * page]


def edit(state, query, body, number):
    for one in state.comments:
        if one["id"] == int(number):
            one |= {"body": body["body"], "updated_at": stamp()}
            return 200, one
    raise Refused(404, "Not Found")


ROUTES = [
    ("POST", re.compile("/issues"), "issues", "write", create),
    ("GET", re.compile("/issues"), "issues", "read", listed),
    ("PATCH", re.compile(r"/issues/(\d+)"), "issues", "write", change),
    ("POST", re.compile(r"/issues/(\d+)/comments"), "issues", "write", comment),
    ("GET", re.compile(r"/issues/(\d+)/comments"), "issues", "read", comments),
    ("PATCH", re.compile(r"/issues/comments/(\d+)"), "issues", "write", edit),
]
