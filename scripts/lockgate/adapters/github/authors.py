"""Who wrote a change, as GitHub knows them: the accounts behind the authors and committers of its commits."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from lockgate.adapters.github.client import PAGE, GitHub
from lockgate.core.protection import Writers
from lockgate.errors import GitHubError

MOST = 1000
"""Commits of one change that are looked at; ten requests."""
_BROWSER = "web-flow"
"""GitHub itself, which commits for whoever merges or edits in a browser."""


def of(hub: GitHub, commit: str) -> Writers:
    """Read who wrote one commit; raise GitHubError."""
    return _writers([hub.get(f"/commits/{quote(commit, safe='')}").body])


def between(hub: GitHub, old: str, new: str) -> Writers:
    """Read who wrote the commits in `new` and not in `old`; raise GitHubError, also where there are more than MOST."""
    path = f"/compare/{quote(old, safe='')}...{quote(new, safe='')}"
    found: list[Any] = []
    for page in range(1, MOST // PAGE + 1):
        body = hub.get(path, per_page=PAGE, page=page).body
        total, listed = int(body["total_commits"]), list(body["commits"])
        if total > MOST:
            raise GitHubError(f"{total} commits lie between {old[:12]} and {new[:12]}; at most {MOST} are looked at.")
        found += listed
        if len(found) >= total or not listed:
            break
    if len(found) < total:
        raise GitHubError(f"GitHub listed {len(found)} of the {total} commits between {old[:12]} and {new[:12]}.")
    return _writers(found)


def _writers(commits: Iterable[Mapping[str, Any]]) -> Writers:
    logins: set[str] = set()
    unknown: list[str] = []
    for one in commits:
        # GitHub gives null, or an empty object, for an address that no account has.
        people = [str((one.get(role) or {}).get("login") or "") for role in ("author", "committer")]
        logins |= set(people) - {"", _BROWSER}
        if "" in people:
            unknown.append(str(one.get("sha", "")))
    return Writers(frozenset(logins), tuple(unknown))
