"""The commits that a release brings: what git says between what serves now and what is to serve."""

import re
from collections.abc import Mapping
from pathlib import Path

from lockgate.adapters import process
from lockgate.core.brief import Commit

MOST = 100
_SECONDS = 20.0
_SHA = re.compile(r"[0-9a-f]{7,64}")
_PULL = re.compile(r"\(#(\d{1,9})\)$|^Merge pull request #(\d{1,9}) from ")


def between(root: Path, old: str, new: str, env: Mapping[str, str]) -> list[Commit] | None:
    """Give the commits in `new` and not in `old`, the newest first, at most MOST + 1; None where git does not know."""
    if not _SHA.fullmatch(old) or not _SHA.fullmatch(new):
        return None
    lines: list[str] = []
    command = [
        *("git", "-C", str(root), "-c", "log.showSignature=false", "log", f"--max-count={MOST + 1}"),
        *("--format=%H%x09%an%x09%s", "--end-of-options", f"{old}..{new}"),
    ]
    try:
        done = process.run(command, cwd=root, env=env, timeout=_SECONDS, on_line=lines.append)
    except OSError:
        return None
    return [_commit(line) for line in lines if line.count("\t") >= 2] if done.code == 0 else None  # noqa: PLR2004


def _commit(line: str) -> Commit:
    sha, author, subject = line.split("\t", 2)
    pull = _PULL.search(subject)
    return Commit(sha, author, subject, int(pull[1] or pull[2]) if pull else None)
