"""What a platform must be able to do: four verbs. Order, waiting, deciding and undoing are the state machine's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lockgate.core.release import Artifact, Release


@dataclass(frozen=True, slots=True)
class Revision:
    """One running copy of a release, as the platform sees it now."""

    id: str
    digest: str
    version: str
    commit: str
    url: str
    """Where this revision alone can be probed."""
    weight: int = 0
    """Percent of the live traffic, 0 to 100."""
    alive: bool = True
    artifact: Artifact | None = None
    """What it was started from, where the platform can say so."""
    named: bool = True
    """Whether it answers as `version`. Of what ran before Lockgate came, nobody knows what it calls itself."""
    cookie: str = ""
    """What a question brings along so that this revision alone answers, where `url` is the users' address, too."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the platform says, now. It is the truth; the ledger is only what we remember."""

    url: str
    """Where users reach the service."""
    revisions: tuple[Revision, ...] = ()
    reachable: bool = True
    """Whether what takes the users' requests runs; what has the traffic may be well and nobody reach it."""

    @property
    def active(self) -> Revision | None:
        """The revision with most of the traffic, if any has some."""
        serving = [revision for revision in self.revisions if revision.weight > 0]
        return max(serving, key=lambda revision: revision.weight, default=None)

    def find(self, revision_id: str) -> Revision | None:
        """The revision with this id, if the platform knows it."""
        return next((revision for revision in self.revisions if revision.id == revision_id), None)


class Target(Protocol):
    """A platform. Every verb is idempotent: doing it twice is doing it once."""

    def observe(self) -> Observation:
        """Say what is active, what is not, and each one's traffic weight."""
        ...

    def deploy_preview(self, release: Release) -> Revision:
        """Bring a release up with no user traffic and return it, ready to be probed. Raise TargetError."""
        ...

    def shift(self, weights: Mapping[str, int]) -> None:
        """Set the live traffic: percent by revision id, adding up to 100. Raise TargetError."""
        ...

    def retire(self, revision_id: str) -> None:
        """Drain and stop a revision that has no traffic. One that is already gone is retired."""
        ...
