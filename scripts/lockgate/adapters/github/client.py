"""One repository's door to the REST API: authenticated, bounded in time, and retried only where a retry is safe."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lockgate.adapters import tracing
from lockgate.adapters.clock import Clock
from lockgate.core.github_retry import Attempt, wait_before_retry
from lockgate.errors import GitHubError, GitHubRefusedError
from lockgate.errors.extras import set_up

if TYPE_CHECKING:
    from github.Requester import Requester

PAGE = 100
_TIMEOUT = 10
_POOL = 4
_GOOD = 300
_MESSAGE = 200
_MISSING = "Resource not accessible by "
"""GitHub's words, to a job's token or a person's, for: it does not have the permission."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub said. `status` is below 300, or one that the caller expected."""

    status: int
    headers: Mapping[str, str]
    body: Any


class GitHub:
    """Asks one repository. `seconds` bounds a call with all its retries, so nothing ever waits for GitHub for long."""

    def __init__(
        self,
        token: str,
        repository: str,
        api_url: str,
        clock: Clock,
        *,
        seconds: float = 30.0,
        hide: Callable[[Any], Any] = dict,
    ) -> None:
        """`hide` redacts what is sent: a message may quote a service that told its secret."""
        self.repository = repository
        self._token = token
        self._api_url = api_url
        self._clock = clock
        self._hide = hide
        self._seconds = seconds
        self._requester: Requester | None = None

    def for_files(self, seconds: float) -> "GitHub":
        """Give the same door with another bound, and for what is sent encoded: redacting that would spoil it."""
        return GitHub(self._token, self.repository, self._api_url, self._clock, seconds=seconds)

    def get(self, path: str, *, expect: tuple[int, ...] = (), **parameters: str | int) -> Answer:
        """Read; a status in `expect` is an answer too, not an error."""
        return self.call("GET", path, parameters=parameters, expect=expect)

    def pages(self, path: str, key: str = "", *, most: int = 300, **parameters: str | int) -> Iterator[Any]:
        """Read a list page by page, up to `most` entries; `key` is where the list stands in the answer, if not bare."""
        for page in range(1, -(-most // PAGE) + 1):
            body = self.call("GET", path, parameters={**parameters, "per_page": PAGE, "page": page}).body
            entries = body[key] if key else body
            yield from entries
            if len(entries) < PAGE:
                return

    def call(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        parameters: Mapping[str, str | int] | None = None,
        expect: tuple[int, ...] = (),
    ) -> Answer:
        """Ask; `path` is below the repository. Raise GitHubRefusedError, GitHubError.

        A request that may have been carried out although its answer was lost is sent again only where twice is the
        same as once: see `core.github_retry`. Whoever creates something looks for it first.
        """
        deadline = self._clock.monotonic() + self._seconds
        tried = 0
        while True:
            tried += 1
            attempt, answer = self._once(verb, path, body, parameters)
            if answer and (answer.status < _GOOD or answer.status in expect):
                return answer
            wait = wait_before_retry(verb, attempt, tried, self._clock.now())
            if wait is None or self._clock.monotonic() + wait > deadline:
                raise _refusal(verb, path, attempt)
            self._clock.sleep(wait)

    def _once(
        self, verb: str, path: str, body: Mapping[str, Any] | None, parameters: Mapping[str, str | int] | None
    ) -> tuple[Attempt, Answer | None]:
        try:
            requester = self._connected()
            from requests.exceptions import RequestException  # noqa: PLC0415 - comes with PyGithub, which is heavy
        except ImportError as error:
            raise GitHubError(
                f"GitHub could not be asked: {error.name} is not installed.", fix=set_up("github")
            ) from error
        url = f"/repos/{self.repository}{path}"
        try:
            status, headers, text = requester.requestJson(
                verb,
                url,
                parameters=dict(parameters or {}),
                headers=tracing.headers(),
                input=None if body is None else self._hide(body),
            )
        except RequestException as error:
            return Attempt(0, {}, type(error).__name__), None
        headers = {name.lower(): str(value) for name, value in headers.items()}
        try:
            said = json.loads(text) if text else None
        except ValueError:
            # A proxy's page, or half an answer: GitHub itself was not heard.
            return Attempt(status if status >= _GOOD else 0, headers, "an answer that is not JSON"), None
        message = str(said.get("message", "")) if isinstance(said, dict) else ""
        return Attempt(status, headers, message[:_MESSAGE]), Answer(status, headers, said)

    def _connected(self) -> "Requester":
        if self._requester is None:
            from github import Auth, Github  # noqa: PLC0415 - 0.3 s that only those who ask GitHub should pay

            self._requester = Github(
                auth=Auth.Token(self._token),
                base_url=self._api_url,
                user_agent="lockgate",
                timeout=max(1, round(min(_TIMEOUT, self._seconds))),
                pool_size=_POOL,
                retry=None,
                # Ours is the only process that speaks for this job, and what GitHub refuses for haste is tried again
                # when it says. PyGithub's one second after each write would only make every rollout longer.
                seconds_between_requests=0,
                seconds_between_writes=0,
            ).requester
        return self._requester


def _refusal(verb: str, path: str, attempt: Attempt) -> GitHubError:
    asked = f"{verb} {path.partition('?')[0]}"
    if attempt.status == 0:
        return GitHubError(f"GitHub could not be reached: {attempt.message} ({asked}).")
    what = f"GitHub answered {attempt.status} to {asked}: {attempt.message or 'no reason given'}."
    if _MISSING in attempt.message or attempt.status == 401:  # noqa: PLR2004 - unauthorized
        need = attempt.headers.get("x-accepted-github-permissions", "")
        return GitHubRefusedError(
            what,
            status=attempt.status,
            why=f"The token does not have the permission{f' {need}' if need else ''}.",
            fix="Grant it in the workflow that calls Lockgate; docs/github.md lists them all, each with its reason.",
        )
    if attempt.retryable:
        return GitHubError(what)
    return GitHubRefusedError(what, status=attempt.status)
