"""The attestations that GitHub keeps of a digest."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lockgate.adapters.github.client import GitHub
from lockgate.core.attestation import bundles
from lockgate.errors import GitHubError

MOST = 30
"""More about one digest are not looked at: each is verified, and each may have megabytes."""
_NOT_THERE = 404


def of(hub: GitHub, digest: str, kind: str) -> Sequence[Mapping[str, Any]]:
    """Give the bundles about a digest; `kind` is `provenance` or `sbom`. Raise GitHubError."""
    path = f"/attestations/{quote(digest, safe='')}"
    answer = hub.get(path, expect=(_NOT_THERE,), per_page=MOST, predicate_type=kind)
    if answer.status == _NOT_THERE:
        return []
    try:
        return bundles(answer.body)[:MOST]
    except ValueError as error:
        raise GitHubError(f"GitHub answered something else to GET {path}: {error}.") from error
