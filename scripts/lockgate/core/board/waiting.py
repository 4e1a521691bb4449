"""What waits for a person, and what can be started: the ports to whoever runs the pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run of the pipeline that waits for a person."""

    environment: str
    version: str
    title: str
    by: str
    since: str
    url: str
    """Where to say yes or no; the board never does it for anybody."""
    reviewers: tuple[str, ...] = ()


class Approvals(Protocol):
    """Knows which runs wait for approval. Blocking; raises GitHubError."""

    def waiting(self) -> Sequence[Waiting]:
        """Give them, the oldest first."""
        ...


class Dispatch(Protocol):
    """Starts the pipeline. Blocking; raises GitHubError."""

    def start(self, ref: str, inputs: Mapping[str, str]) -> str:
        """Ask for a run of the workflow on a branch or tag; give the page where it will be."""
        ...
