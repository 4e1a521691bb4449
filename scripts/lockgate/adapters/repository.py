"""Look at a repository: which files it has, and what a few of them say."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.adapters import process

if TYPE_CHECKING:
    from lockgate.core.starter import Repository

_DEEPEST = 2
_MOST_FILES = 5000
_MOST_READ = 200
_LARGEST = 128 * 1024
_MANIFESTS = frozenset({"Dockerfile", "pyproject.toml", "package.json", "package-lock.json", "uv.lock"})
_SKIPPED = frozenset({"node_modules", "venv", "vendor", "dist", "build", "__pycache__", "site-packages"})
_BRANCHES = frozenset({"main", "master", "trunk"})
_GIT_SECONDS = 10.0


def look(root: Path) -> "Repository":
    """List the files down to the second folder, and read those that tell how the service is built and run."""
    from lockgate.core.starter import Repository  # noqa: PLC0415 - only `init` looks

    files = []
    for path in _walk(root):
        files.append(path)
        if len(files) >= _MOST_FILES:
            break
    telling = [path for path in files if _telling(path)][:_MOST_READ]
    texts = {path: _read(root / path) for path in telling}
    return Repository(root.name, frozenset(files), texts)


def top(root: Path) -> Path:
    """Find the top of the git repository around a folder; the folder itself where there is none."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def branch(root: Path) -> str:
    """Give the name of the branch that is checked out if it is a usual main branch, else "main"."""
    head = _read(root / ".git" / "HEAD").strip().removeprefix("ref: refs/heads/")
    return head if head in _BRANCHES else "main"


def own_name(env: Mapping[str, str]) -> str:
    """Give the GitHub repository that Lockgate itself was cloned from, as OWNER/NAME; "" where that is not known."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent.parent
    # An installed package may lie inside the user's own repository: that one's origin is not ours.
    if not (checkout / ".git").exists() or package != checkout / "scripts" / "lockgate":
        return ""
    try:
        command = ["git", "-C", str(checkout), "remote", "get-url", "origin"]
        said = process.run(command, cwd=checkout, env=env, timeout=_GIT_SECONDS)
    except OSError:
        return ""
    return github_name(said.tail.strip()) if said.code == 0 else ""


def github_name(url: str) -> str:
    """Give OWNER/NAME of a repository on GitHub, or ""."""
    form = r"(?:https://github\.com/|git@github\.com:|ssh://git@github\.com/)([\w.-]+/[\w.-]+?)(?:\.git)?/?"
    match = re.fullmatch(form, url)
    return match[1] if match else ""


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        deep = len(here.parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(n for n in folders if not n.startswith(".") and n not in _SKIPPED)
        yield from ((here / name).as_posix() for name in sorted(names))


def _telling(path: str) -> bool:
    is_manifest = path in _MANIFESTS or re.fullmatch(r"[\w-]*requirements[\w-]*\.txt", path) is not None
    return is_manifest or path.endswith((".py", ".js", ".ts"))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", errors="replace")
    except OSError:
        return ""
