"""Commits, git references and the files of a branch, with GitHub's compare-and-swap on the blob that is replaced."""

import base64
import hashlib
import re

from tests.standins.github.state import Refused, stamp, user


def commit(state, query, body, ref):
    sha = state.branches.get("main" if ref == "HEAD" else ref.removeprefix("heads/"), ref)
    if sha not in state.commits:
        raise Refused(422, f"No commit found for SHA: {ref}")
    return 200, shape(state, sha)


def shape(state, sha):
    one = state.commits[sha]
    person = {"name": one["author"], "email": f"{one['author']}@example.com", "date": stamp()}
    page = f"{state.url}/commits/{sha}"
    return {
        "url": page, "sha": sha, "node_id": "C_1", "html_url": f"https://github.com/{state.name}/commit/{sha}",
        "comments_url": f"{page}/comments",
        "commit": {
            "url": f"{state.url}/git/commits/{sha}", "author": person, "committer": person,
            "message": one["message"], "comment_count": 0, "tree": {"sha": sha, "url": f"{state.url}/git/trees/{sha}"},
        },
        "author": user(one["author"]) if one.get("known", True) else None,
        "committer": user(one["author"]) if one.get("known", True) else None,
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
    return 201, {
        "ref": ref, "node_id": "REF_1", "url": f"{state.url}/git/{ref}",
        "object": {"type": "commit", "sha": body["sha"], "url": f"{state.url}/git/commits/{body['sha']}"},
    }  # fmt: skip


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
    shown = {
        "type": "file", "size": len(content), "name": path.rsplit("/", 1)[-1], "path": path, "sha": sha, "url": url,
        "git_url": f"{state.url}/git/blobs/{sha}", "html_url": f"https://github.com/{state.name}/blob/x/{path}",
        "download_url": f"https://raw.example/{path}", "_links": {"self": url, "git": url, "html": url},
    }  # fmt: skip
    return shown | ({"encoding": "base64", "content": base64.b64encode(content).decode()} if with_content else {})


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
    before = state.branches[branch]
    after = hashlib.sha1(f"{before}{path}{sha}{body['message']}".encode(), usedforsecurity=False).hexdigest()
    state.blobs[sha] = content
    tree[path] = sha
    state.commits[after] = {"message": body["message"], "author": "github-actions[bot]", "parent": before}
    state.branches[branch] = after
    made = shape(state, after)
    return 200 if there else 201, {
        "content": file(state, path, sha),
        "commit": {**made["commit"], "sha": after, "node_id": "C_1", "html_url": made["html_url"], "parents": []},
    }  # fmt: skip


ROUTES = [
    ("GET", re.compile("/commits/(.+)"), "contents", "read", commit),
    ("POST", re.compile("/git/refs"), "contents", "write", make_ref),
    ("GET", re.compile("/contents/(.+)"), "contents", "read", read),
    ("PUT", re.compile("/contents/(.+)"), "contents", "write", write),
]
