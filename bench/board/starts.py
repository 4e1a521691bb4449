"""Deployments that programs ask for: a token for each that may, and a GitHub of ours that is told to start them."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lockgate.core.board.service_token import PREFIX, ServiceToken, hashed
from lockgate.core.board.viewer import Role
from tests.standins.github import GitHub

WORKFLOW = "deploy.yml"
WORDS = ("--workflow", WORKFLOW)
PATH = "/api/deployments"
ASKED = {"platform": "azure", "environment": "production", "branch": "main", "reference": ""}


@dataclass(frozen=True, slots=True)
class Starts:
    """What a board needs for it, and what programs have."""

    environment: Mapping[str, str]
    tokens: Sequence[str]


@contextmanager
def starts(programs: int) -> Iterator[Starts]:
    """Yield them for so many programs."""
    tokens = [PREFIX + secrets.token_urlsafe(32) for _ in range(programs)]
    until = datetime.now(UTC).date() + timedelta(days=1)
    kept = [ServiceToken(f"p{n}", Role.OPERATOR, "*", until, hashed(token)) for n, token in enumerate(tokens)]
    hub = GitHub()
    hub.state.workflows[WORKFLOW] = {"platform", "environment", "reference"}
    environment = {
        "LOCKGATE_BOARD_TOKENS": "\n".join(token.line() for token in kept),
        "LOCKGATE_GITHUB_TOKEN": hub.token, "GITHUB_API_URL": hub.url, "GITHUB_REPOSITORY": hub.repository,
    }  # fmt: skip
    try:
        yield Starts(environment, tokens)
    finally:
        hub.close()


def request(token: str) -> tuple[dict[str, str], bytes]:
    """Give headers and body of one that was never asked for before."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return headers | {"Idempotency-Key": secrets.token_hex(8)}, json.dumps(ASKED).encode()
