"""Commits, git references and the files of a branch, with GitHub's compare-and-swap on the blob that is replaced."""

import base64
import hashlib
import re

from tests.standins.github.state import Refused, repository, stamp, user


def commit(state, query, body, ref):
    sha = state.branches.get("main" if ref == "HEAD" else ref.removeprefix("heads/"), ref)
    if sha not in state.commits:
        raise Refused(422, f"No commit found for SHA: {ref}")
    return 200, shape(state, sha)


def compare(state, query, body, old, new):
    """Of the history along the first parents: what `new` has and `old` has not, the oldest first, page by page."""
    if {old, new} - set(state.commits):
        raise Refused(404, "Not Found")
    lines = {sha: lineage(state, sha) for sha in (old, new)}
    ahead = [sha for sha in lines[new] if sha not in lines[old]][::-1]
    behind = [sha for sha in lines[old] if sha not in lines[new]]
    base = next((sha for sha in lines[new] if sha in lines[old]), None)
    if base is None:
        raise Refused(404, f"No common ancestor between {old} and {new}.")
    page, size = int(query.get("page", 1)), int(query.get("per_page", 250))
    url = f"{state.url}/compare/{old}...{new}"
    web = f"https://github.com/{state.name}/compare/{old}...{new}"
    words = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind", (False, False): "identical"}
    return 200, {
        "url": url, "html_url": web, "permalink_url": web, "diff_url": f"{web}.diff", "patch_url": f"{web}.patch",
        "base_commit": shape(state, old), "merge_base_commit": shape(state, base),
        "status": words[bool(ahead), bool(behind)], "ahead_by": len(ahead), "behind_by": len(behind),
        "total_commits": len(ahead), "commits": [shape(state, sha) for sha in ahead[: state.compared][(page - 1) * size : page * size]],
        "files": [],
    }  # fmt: skip


def lineage(state, sha):
    """Give a commit and all before it, the newest first."""
    line = []
    while sha:
        line.append(sha)
        sha = state.commits[sha].get("parent")
    return line


def shape(state, sha):
    one = state.commits[sha]
    people = {"author": one["author"], "committer": one.get("committer", one["author"])}
    named = {role: {"name": who, "email": f"{who}@example.com", "date": stamp()} for role, who in people.items()}
    page = f"{state.url}/commits/{sha}"
    return {
        "url": page, "sha": sha, "node_id": "C_1", "html_url": f"https://github.com/{state.name}/commit/{sha}",
        "comments_url": f"{page}/comments",
        "commit": {
            "url": f"{state.url}/git/commits/{sha}", **named,
            "message": one["message"], "comment_count": 0, "tree": {"sha": sha, "url": f"{state.url}/git/trees/{sha}"},
        },
        **{role: user(who) if one.get("known", True) else None for role, who in people.items()},
        "parents": [],
    }  # fmt: skip


def make_ref(state, query, body):
    ref = body["ref"]
    if not ref.startswith("refs/") or ref.count("/") < 2:
        raise Refused(422, "Reference name must start with 'refs/' and have at least two slashes")
    if body["sha"] not in state.commits:
        raise Refused(422, "Object does not exist")
    name = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None
    if ref in state.refs or name in state.branches:
        raise Refused(422, "Reference already exists")
    if name is not None:
        state.branches[name] = body["sha"]
        state.trees.setdefault(name, {})
    else:
        state.refs[ref] = body["sha"]
    return 201, _ref(state, ref, body["sha"])


def _ref(state, ref, sha):
    return {
        "ref": ref, "node_id": "REF_1", "url": f"{state.url}/git/{ref}",
        "object": {"type": "commit", "sha": sha, "url": f"{state.url}/git/commits/{sha}"},
    }  # fmt: skip


def remove_ref(state, query, body, name):
    ref = f"refs/{name}"
    if ref in state.refs:
        del state.refs[ref]
    elif state.branches.pop(name.removeprefix("heads/"), None) is None:
        raise Refused(422, "Reference does not exist")
    return 204, None


def read(state, query, body, path):
    tree = state.trees.get(query.get("ref", "main"), {}) if query.get("ref", "main") in state.branches else None
    if tree is None:
        raise Refused(404, f"No commit found for the ref {query.get('ref')}")
    if path in tree:
        return 200, file(state, path, tree[path], with_content=True)
    inside = sorted(name for name in tree if name.startswith(f"{path}/") and "/" not in name[len(path) + 1 :])
    if not inside:
        raise Refused(404, "Not Found")
    return 200, [file(state, name, tree[name]) for name in inside]


def file(state, path, sha, *, with_content=False):
    url = f"{state.url}/contents/{path}"
    content = state.blobs[sha]
    too_long = len(content) > 1024 * 1024
    shown = {
        "type": "file", "size": len(content), "name": path.rsplit("/", 1)[-1], "path": path, "sha": sha, "url": url,
        "git_url": f"{state.url}/git/blobs/{sha}", "html_url": f"https://github.com/{state.name}/blob/x/{path}",
        "download_url": f"https://raw.example/{path}", "_links": {"self": url, "git": url, "html": url},
    }  # fmt: skip
    if not with_content:
        return shown
    text = "" if too_long else base64.b64encode(content).decode()
    return shown | {"encoding": "none" if too_long else "base64", "content": text}


def write(state, query, body, path):
    branch = body.get("branch", "main")
    if branch not in state.branches:
        raise Refused(404, f"Branch {branch} not found")
    tree = state.trees[branch]
    there = tree.get(path)
    if there and "sha" not in body:
        raise Refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if body.get("sha") != there:
        raise Refused(409, f"{path} does not match {body.get('sha')}")
    content = base64.b64decode(body["content"], validate=True)
    sha = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    state.blobs[sha] = content
    tree[path] = sha
    made = _commit(state, branch, path, sha, body["message"])
    return 200 if there else 201, {"content": file(state, path, sha), "commit": made}


def _commit(state, branch, path, sha, message):
    before = state.branches[branch]
    after = hashlib.sha1(f"{before}{path}{sha}{message}".encode(), usedforsecurity=False).hexdigest()
    state.commits[after] = {"message": message, "author": "github-actions[bot]", "parent": before}
    state.branches[branch] = after
    made = shape(state, after)
    return {**made["commit"], "sha": after, "node_id": "C_1", "html_url": made["html_url"], "parents": []}


def remove(state, query, body, path):
    tree = state.trees.get(body.get("branch", "main"), {})
    if path not in tree:
        raise Refused(404, "Not Found")
    if body["sha"] != tree[path]:
        raise Refused(409, f"{path} does not match {body['sha']}")
    del tree[path]
    return 200, {"content": None, "commit": _commit(state, body["branch"], path, "", body["message"])}


def about(state, query, body):
    return 200, {**repository(state), "network_count": 0, "subscribers_count": 0}


ROUTES = [
    ("GET", re.compile(""), "metadata", "read", about),
    ("GET", re.compile("/commits/([^/]+)"), "contents", "read", commit),
    ("GET", re.compile(r"/compare/([0-9a-f]{40})\.\.\.([0-9a-f]{40})"), "contents", "read", compare),
    ("POST", re.compile("/git/refs"), "contents", "write", make_ref),
    ("DELETE", re.compile("/git/refs/(.+)"), "contents", "write", remove_ref),
    ("GET", re.compile("/contents/(.+)"), "contents", "read", read),
    ("PUT", re.compile("/contents/(.+)"), "contents", "write", write),
    ("DELETE", re.compile("/contents/(.+)"), "contents", "write", remove),
]
