"""What GitHub says of the repository itself."""

from lockgate.adapters.github.client import GitHub
from lockgate.errors import GitHubError


def is_private(hub: GitHub) -> bool:
    """Whether not everybody may read it; raise GitHubError."""
    said = hub.get("").body
    private = said.get("private") if isinstance(said, dict) else None
    if not isinstance(private, bool):
        raise GitHubError(f"GitHub does not say whether {hub.repository} is private.")
    return private
