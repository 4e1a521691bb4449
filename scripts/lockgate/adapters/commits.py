"""The commits that a release brings: what git says between what serves now and what is to serve."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.adapters import process

if TYPE_CHECKING:
    from lockgate.core.brief import Commit

MOST = 100
_SECONDS = 20.0
_SHA = re.compile(r"[0-9a-f]{7,64}")
_PULL = re.compile(r"\(#(\d{1,9})\)$|^Merge pull request #(\d{1,9}) from ")


def between(root: Path, old: str, new: str, env: Mapping[str, str]) -> "list[Commit] | None":
    """Give the commits in `new` and not in `old`, the newest first, at most MOST + 1; None where git does not know."""
    if not _SHA.fullmatch(old) or not _SHA.fullmatch(new):
        return None
    lines = _log(root, env, f"--max-count={MOST + 1}", "--format=%H%x09%an%x09%s", "--end-of-options", f"{old}..{new}")
    return None if lines is None else [_commit(line) for line in lines if line.count("\t") >= 2]  # noqa: PLR2004


def times(root: Path, commit: str, env: Mapping[str, str]) -> dict[str, str]:
    """Give when a commit was written and when it came onto its branch, in UTC; nothing where git does not know it.

    Of a merge, the last commit that it merged says when it was written, where the clone goes back so far.
    """
    if not _SHA.fullmatch(commit):
        return {}
    said = _log(root, env, "--no-walk", "--format=%aI%x09%cI%x09%P", "--end-of-options", commit)
    if not said or said[0].count("\t") != 2:  # noqa: PLR2004
        return {}
    written, merged, parents = said[0].split("\t")
    if parents.count(" ") == 1:
        inner = _log(root, env, "--no-walk", "--format=%aI", "--end-of-options", parents.split(" ")[1])
        written = inner[0] if inner else written
    found = {"committed_at": _utc(written), "merged_at": _utc(merged)}
    return {name: at for name, at in found.items() if at}


def _log(root: Path, env: Mapping[str, str], *words: str) -> list[str] | None:
    lines: list[str] = []
    command = ["git", "-C", str(root), "-c", "log.showSignature=false", "log", *words]
    try:
        done = process.run(command, cwd=root, env=env, timeout=_SECONDS, on_line=lines.append)
    except OSError:
        return None
    return lines if done.code == 0 else None


def _utc(said: str) -> str:
    """Read a date, which whoever writes a commit may choose; "" where it is none that every ledger can keep."""
    try:
        return datetime.fromisoformat(said).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return ""


def _commit(line: str) -> "Commit":
    from lockgate.core.brief import Commit  # noqa: PLC0415 - only a brief lists commits

    sha, author, subject = line.split("\t", 2)
    pull = _PULL.search(subject)
    return Commit(sha, author, subject, int(pull[1] or pull[2]) if pull else None)
