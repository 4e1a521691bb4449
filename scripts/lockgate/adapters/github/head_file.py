"""The one document that every writer replaces by compare-and-swap, however often others are faster; not for ever."""

import secrets as tokens
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from lockgate.adapters.clock import Clock
from lockgate.adapters.github.files import ConflictError, Files
from lockgate.core.leased_log import Head
from lockgate.core.redaction import printable, shorten
from lockgate.errors import (
    GitHubError,
    GitHubRefusedError,
    LedgerDamagedError,
    LedgerRefusedError,
    LedgerUnavailableError,
    StateError,
)

PATH = "head.json"
_PAUSE = 0.1
_SHOWN = 200
_LONGEST_PAUSE = 1.0
_PATIENCE = 20.0
"""Seconds of conflicts, after which an event is kept on this machine instead."""


class HeadFile:
    """Reads and changes the head. Every method may raise StateError."""

    def __init__(self, files: Files, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._seen: tuple[Head, str] | None = None
        """What was read or written last, with its blob; a writer who is wrong about it meets a conflict."""
        self._lock = threading.RLock()

    def now(self) -> datetime:
        """GitHub's time, as of its last answer."""
        return self._files.now()

    def read(self) -> Head:
        """Read it."""
        with self._lock, explained():
            return self._read()[0]

    def change(self, change: Callable[[Head], Head], message: str) -> Head:
        """Replace it by what `change` makes of it, and give that. `change` may raise what its caller should hear."""
        # The heartbeat's thread and the rollout's write the same document.
        with self._lock, explained():
            until = self._clock.monotonic() + _PATIENCE
            tried = 0
            while True:
                before, sha = self._seen or self._read()
                after = change(before)
                if after == before:
                    return before
                try:
                    self._seen = (after, self._files.write(PATH, after.dump(), sha, message).sha)
                except ConflictError as conflict:
                    # The first time it may be because what was seen is old; after that, because many write.
                    self._clock.sleep(min(_PAUSE * tried, _LONGEST_PAUSE) * (0.5 + tokens.randbelow(1000) / 1000))
                    tried += 1
                    if self._clock.monotonic() > until:
                        raise _outrun(conflict) from conflict
                    self._read()
                else:
                    return after

    def _read(self) -> tuple[Head, str]:
        file = self._files.read(PATH)
        if not file.sha:
            # No ledger yet; or one that GitHub hides, which must not be taken for an empty one.
            self._files.must_be_visible()
        try:
            head = Head.load(file.text) if file.sha else Head()
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(PATH, error) from error
        self._seen = (head, file.sha)
        return self._seen


def _outrun(conflict: ConflictError) -> LedgerUnavailableError:
    return LedgerUnavailableError(
        f"The ledger on GitHub could not be written for {_PATIENCE:g} s, as others were faster each time ({conflict}).",
        fix="Try again; fewer runs at the same time write less at once.",
    )


def damaged(path: str, error: Exception) -> LedgerDamagedError:
    """Say that a document is not what Lockgate wrote."""
    return LedgerDamagedError(
        f"{shorten(printable(path), _SHOWN)} on the ledger's branch is not what Lockgate writes "
        f"({shorten(printable(str(error)), _SHOWN)}).",
        fix="Restore it from the branch's history; nothing was changed.",
    )


@contextmanager
def explained() -> Iterator[None]:
    """Say what GitHub could not do as an error of the ledger, so that whoever runs a rollout treats it as one."""
    try:
        yield
    except GitHubRefusedError as error:
        raise _as(LedgerRefusedError, error) from error
    except GitHubError as error:
        raise _as(LedgerUnavailableError, error) from error


def _as(kind: type[StateError], error: GitHubError) -> StateError:
    return kind(
        f"The ledger on GitHub could not be used: {error.what}",
        why=error.why,
        fix=error.fix or "Try again. `ledger: github` needs `contents: write`; docs/github.md says why.",
    )
