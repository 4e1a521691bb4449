"""When a change was written and when it came onto its branch, as git says."""

import os
import subprocess

import pytest

from lockgate.adapters import commits

ENV = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
IDENTITY = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture
def repository(tmp_path):
    def git(*words, written="2026-11-01T10:00:00+02:00", committed="2026-11-02T10:00:00Z"):
        dates = {"GIT_AUTHOR_DATE": written, "GIT_COMMITTER_DATE": committed}
        command = ["git", "-C", str(tmp_path), *words]
        done = subprocess.run(command, env=ENV | IDENTITY | dates, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "first")
    return tmp_path, git


def test_a_commit_says_when_it_was_written_and_when_it_was_put_on_its_branch(repository):
    """In UTC; a rebase keeps the first and sets the second."""
    root, git = repository
    head = git("rev-parse", "HEAD")
    expected = {"committed_at": "2026-11-01T08:00:00+00:00", "merged_at": "2026-11-02T10:00:00+00:00"}
    assert commits.times(root, head, ENV) == expected


def test_a_merge_was_written_when_what_it_merged_was(repository):
    """Not when somebody pressed the button."""
    root, git = repository
    git("checkout", "-q", "-b", "topic")
    git("commit", "-q", "--allow-empty", "-m", "change", written="2026-11-03T09:00:00Z")
    git("checkout", "-q", "main")
    git(
        "merge",
        "-q",
        "--no-ff",
        "-m",
        "merge",
        "topic",
        written="2026-11-05T09:00:00Z",
        committed="2026-11-05T09:00:00Z",
    )
    expected = {"committed_at": "2026-11-03T09:00:00+00:00", "merged_at": "2026-11-05T09:00:00+00:00"}
    assert commits.times(root, git("rev-parse", "HEAD"), ENV) == expected


def test_what_git_does_not_know_has_no_times(repository, tmp_path_factory):
    """Another repository's commit, no repository, no commit, an option in its place."""
    root, _ = repository
    for commit in ("f" * 40, "", "--output=/tmp/x", "HEAD"):
        assert commits.times(root, commit, ENV) == {}
    assert commits.times(tmp_path_factory.mktemp("none"), "f" * 40, ENV) == {}
