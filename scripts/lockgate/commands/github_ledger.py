"""The record of what was done, kept in the repository itself."""

import tempfile
import weakref
from importlib.util import find_spec
from pathlib import Path

from lockgate.adapters.github.client import GitHub
from lockgate.adapters.github.ledger import GitHubLedger
from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.commands.github import open_from_laptop, open_github
from lockgate.commands.project import Project
from lockgate.core.ledger import Ledger
from lockgate.errors import LedgerRefusedError
from lockgate.errors.extras import set_up


def open_github_ledger(project: Project) -> Ledger:
    """Open it by a job's token or a person's own; raise LedgerRefusedError where there is none, or no client."""
    door = _door(project)
    # What was read of the log is this process's own: another one may have read less.
    folder = tempfile.TemporaryDirectory(prefix="lockgate-")
    ledger = GitHubLedger(door, SqliteLedger(Path(folder.name) / "mirror.db", project.clock), project.clock)
    weakref.finalize(ledger, folder.cleanup)
    return ledger


def _door(project: Project) -> GitHub:
    if find_spec("github") is None:
        raise LedgerRefusedError(
            "The ledger is this repository's own, and GitHub's client library is not installed here.",
            fix=set_up("github"),
        )
    config = project.config.ledger
    token = (project.runner.secret(config.secret) or "").strip()
    if token:
        project.console.secrets.append(token)
    door = open_github(project, token=token) or open_from_laptop(project, token=token)
    if door is None:
        raise LedgerRefusedError(
            "The ledger is this repository's own, and there is no token to reach it with.",
            why="None came with the job, from GH_TOKEN or `gh auth token`; or this checkout has no origin on GitHub.",
            fix="In a workflow, leave the action its default token and grant `contents: write`; what scans gets "
            "none: for a rescan say `bring: true`. On your machine, sign in with `gh auth login`.",
        )
    # What an event holds was redacted when it was written to the journal.
    return door.for_files(config.timeout)
