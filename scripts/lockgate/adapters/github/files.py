"""Small files on a branch of their own, each replaced only if it is still what was read: compare-and-swap.

GitHub's guarantees, as far as it states them: `PUT contents` must name the blob that it replaces, and answers 409 where
the file is another by now, or where the branch moved while it worked; writes in parallel conflict, and are tried again.
Its answers carry its own clock, which is everybody's: leases are measured by it, not by this machine's.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from lockgate.adapters.clock import Clock
from lockgate.adapters.github.client import Answer, GitHub
from lockgate.errors import GitHubRefusedError

BRANCH = "lockgate-ledger"
_MISSING = 404
_CONFLICT = 409
_INVALID = 422
_RULES = "rule violation"
_MOST_SAID = 200


class ConflictError(Exception):
    """Somebody else replaced the file, or the branch moved; in GitHub's words."""


@dataclass(frozen=True, slots=True)
class File:
    """What was read."""

    text: str
    sha: str
    """The blob, "" where there is no such file."""


class Files:
    """The files of one branch."""

    def __init__(self, hub: GitHub, clock: Clock, branch: str = BRANCH) -> None:
        self._hub = hub
        self._clock = clock
        self._branch = branch
        self._ahead = 0.0

    def now(self) -> datetime:
        """GitHub's time, as of its last answer."""
        return datetime.fromtimestamp(self._clock.now().timestamp() + self._ahead, UTC)

    def read(self, path: str) -> File:
        """Read a file. Raise GitHubError."""
        answer = self._hub.get(_url(path), expect=(_MISSING,), ref=self._branch)
        self._set_clock(answer)
        if answer.status == _MISSING:
            return File("", "")
        try:
            text = base64.b64decode(answer.body["content"]).decode()
        except (KeyError, TypeError, binascii.Error, UnicodeDecodeError):
            # Longer than GitHub shows, or not ours: what cannot be read must not be replaced either.
            text = ""
        return File(text, str(answer.body["sha"]))

    def must_be_visible(self) -> None:
        """Raise GitHubRefusedError where this token may not see the repository: nothing is there then, for it."""
        self._hub.get("")

    def write(self, path: str, text: str, sha: str, message: str) -> File:
        """Replace a file that is still blob `sha`, or make it where that is "". Raise ConflictError, GitHubError."""
        answer = self._put(path, text, sha, message)
        if answer.status == _MISSING:
            self._make_branch()
            answer = self._put(path, text, sha, message)
        if answer.status in {_CONFLICT, _INVALID, _MISSING}:
            raise self._refusal(path, answer)
        return File(text, str(answer.body["content"]["sha"]))

    def remove(self, path: str, message: str) -> None:
        """Remove a file; one that is gone, or that somebody else replaced, is left alone. Raise GitHubError."""
        if sha := self.read(path).sha:
            body = {"message": message, "sha": sha, "branch": self._branch}
            self._hub.call("DELETE", _url(path), body, expect=(_MISSING, _CONFLICT, _INVALID))

    def _put(self, path: str, text: str, sha: str, message: str) -> Answer:
        body = {
            "message": message,
            "content": base64.b64encode(text.encode()).decode(),
            "branch": self._branch,
            **({"sha": sha} if sha else {}),
        }
        answer = self._hub.call("PUT", _url(path), body, expect=(_MISSING, _CONFLICT, _INVALID))
        self._set_clock(answer)
        return answer

    def _make_branch(self) -> None:
        """Begin the branch where the default one stands; somebody else may do so at the same time."""
        head = self._hub.get("/commits/HEAD").body["sha"]
        body = {"ref": f"refs/heads/{self._branch}", "sha": head}
        self._hub.call("POST", "/git/refs", body, expect=(_INVALID,))

    def _refusal(self, path: str, answer: Answer) -> Exception:
        said = str((answer.body or {}).get("message", ""))
        if _RULES not in said.lower():
            return ConflictError(f"{path}: {said}")
        return GitHubRefusedError(
            f"GitHub refuses to write the branch {self._branch}: {' '.join(said.split())[:_MOST_SAID]}.",
            status=answer.status,
            why="A ruleset or a branch protection of this repository covers it.",
            fix=f"Exclude {self._branch} from that rule, or let the token's owner bypass it.",
        )

    def _set_clock(self, answer: Answer) -> None:
        if date := answer.headers.get("date"):
            # The header is cut to a second: behind by half of one in the mean, which is little beside a lease.
            self._ahead = parsedate_to_datetime(date).timestamp() - self._clock.now().timestamp()


def _url(path: str) -> str:
    return f"/contents/{quote(path, safe='')}"
