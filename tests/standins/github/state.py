"""One repository's state, and the shapes that come back again and again."""

import hashlib
import itertools
from datetime import UTC, datetime


class Refused(Exception):
    """GitHub says no."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class Repository:
    """Everything that the routes read and write. Tests arrange it directly, as a person does in the web pages."""

    def __init__(self, name, url):
        self.name = name
        self.url = f"{url}/repos/{name}"
        self.api = url
        self.ids = itertools.count(1001)
        self.skew = 0.0
        """Seconds that the server's clock is ahead of the machine's."""
        self.head = hashlib.sha1(b"head", usedforsecurity=False).hexdigest()
        self.commits = {self.head: {"message": "Sell tea", "author": "grace"}}
        self.branches = {"main": self.head}
        self.compared = None
        """Commits that a comparison lists at most, whatever it says of their number; None: all."""
        self.refs = {}
        self.trees = {self.head: {}}
        self.blobs = {}
        self.environments = {}
        self.policies = {}
        self.run_id = 7
        self.runs = {7: {"actor": "ada", "triggering_actor": "ada", "status": "in_progress", "conclusion": None}}
        self.approvals = {}
        self.workflows = {}
        """Files that can be dispatched, each with the inputs that it declares."""
        self.dispatched = []
        self.deployments = []
        self.checks = []
        self.statuses = []
        self.issues = []
        self.pulls = {}
        self.comments = []
        self.analyses = {}
        self.attestations = {}
        self.private = False

    def environment(self, name, *, reviewers=("grace",), self_review=False, branches="protected", team=None, names=()):
        """Configure an environment, as a person does under Settings, Environments."""
        rules = []
        if reviewers or team:
            rules.append({
                "id": next(self.ids), "node_id": "GA_1", "type": "required_reviewers",
                "prevent_self_review": not self_review,
                "reviewers": [{"type": "User", "reviewer": user(login)} for login in reviewers],
            })  # fmt: skip
        policies = {"protected": (True, False), "custom": (False, True)}.get(branches)
        if policies:
            rules.append({"id": next(self.ids), "node_id": "GA_2", "type": "branch_policy"})
        self.environments[name] = {
            "id": next(self.ids), "node_id": "EN_1", "name": name,
            "url": f"{self.url}/environments/{name}",
            "html_url": f"https://github.com/{self.name}/deployments/activity_log?environments_filter={name}",
            "created_at": stamp(), "updated_at": stamp(), "can_admins_bypass": True,
            "protection_rules": rules,
            "deployment_branch_policy": policies and {
                "protected_branches": policies[0], "custom_branch_policies": policies[1]
            },
        }  # fmt: skip
        self.policies[name] = list(names)
        return self.environments[name]

    def approve(self, environment, login, state="approved", run=None, comment="fine"):
        """Review a run that waits, as a person does with the button."""
        one = self.environments[environment]
        shown = {key: one[key] for key in ("id", "node_id", "name", "url", "html_url", "created_at", "updated_at")}
        self.approvals.setdefault(run or self.run_id, []).append(
            {"state": state, "comment": comment, "environments": [shown], "user": user(login)}
        )

    def run_again(self, login=None):
        """Start the run again, as a person does with the button; its reviews stay, and GitHub asks for another."""
        run = self.runs[self.run_id]
        run["attempt"] = run.get("attempt", 1) + 1
        run["triggering_actor"] = login or run["triggering_actor"]

    def push(self, author, *, committer=None, known=True):
        """Put a commit on top of the branch; `known` is whether its addresses belong to accounts."""
        sha = hashlib.sha1(f"{self.head} {author} {len(self.commits)}".encode(), usedforsecurity=False).hexdigest()
        one = {"message": "Sell more tea", "author": author, "committer": committer or author, "known": known}
        self.commits[sha] = one | {"parent": self.head}
        self.head = self.branches["main"] = sha
        return sha

    def pull(self, number, merged_as=None, head=None, commits=()):
        shown = {"number": number, "merge_commit_sha": merged_as, "head": head or self.head, "commits": commits}
        self.pulls[number] = shown


def stamp():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login):
    page = f"https://api.github.com/users/{login}"
    number = int(hashlib.sha1(login.encode(), usedforsecurity=False).hexdigest()[:6], 16)
    return {
        "login": login, "id": number, "node_id": f"U_{number}", "avatar_url": "https://avatars.example/u",
        "gravatar_id": "", "url": page, "html_url": f"https://github.com/{login}",
        "followers_url": f"{page}/followers", "following_url": f"{page}/following{{/other_user}}",
        "gists_url": f"{page}/gists{{/gist_id}}", "starred_url": f"{page}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{page}/subscriptions", "organizations_url": f"{page}/orgs",
        "repos_url": f"{page}/repos", "events_url": f"{page}/events{{/privacy}}",
        "received_events_url": f"{page}/received_events",
        "type": "Bot" if login.endswith("[bot]") else "User", "site_admin": False,
    }  # fmt: skip


BOT = "github-actions[bot]"

_LINKS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages "
    "merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees"
)


def repository(state):
    owner, _, name = state.name.partition("/")
    web = f"https://github.com/{state.name}"
    links = {f"{word}_url": f"{state.url}/{word}" for word in _LINKS.split()}
    return links | {
        "id": 1, "node_id": "R_1", "name": name, "full_name": state.name, "owner": user(owner), "private": state.private,
        "html_url": web, "description": None, "fork": False, "url": state.url, "git_url": f"git:{state.name}.git",
        "ssh_url": f"git@github.com:{state.name}.git", "clone_url": f"{web}.git", "mirror_url": None, "svn_url": web,
        "homepage": None, "license": None, "language": "Python", "forks_count": 0, "forks": 0, "stargazers_count": 0,
        "watchers_count": 0, "watchers": 0, "size": 1, "default_branch": "main", "open_issues_count": 0,
        "open_issues": 0, "has_issues": True, "has_projects": True, "has_wiki": True, "has_pages": False,
        "has_downloads": True, "has_discussions": False, "archived": False, "disabled": False,
        "pushed_at": stamp(), "created_at": stamp(), "updated_at": stamp(), "visibility": "private" if state.private else "public",
    }  # fmt: skip
