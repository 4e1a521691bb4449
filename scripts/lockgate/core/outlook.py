"""What a deploy would change on a platform, said before anything is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lockgate.core.release import Release
from lockgate.core.target import Observation


@dataclass(frozen=True, slots=True)
class Change:
    """One thing as it is and as it would be. Values of settings are never part of it."""

    what: str
    now: str
    then: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a platform itself can say of a deploy."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    """What changes nothing, and is good to know before."""


@runtime_checkable
class Foretelling(Protocol):
    """A platform that can say more of a deploy than who gets users."""

    def outlook(self, release: Release) -> Outlook:
        """Say what a deploy would change, and change nothing. Raise TargetError where a deploy would be refused."""
        ...


def traffic_and_image(seen: Observation, release: Release, steps: Sequence[int]) -> list[Change]:
    """Give what every platform's deploy changes: who gets users, and which image that is."""
    serving = sorted((one for one in seen.revisions if one.weight), key=lambda one: -one.weight)
    shares = ", ".join(f"{one.weight} % {one.version or one.id}" for one in serving)
    now = ", ".join(one.digest or one.version for one in serving)
    then = ", ".join(str(step) for step in steps)
    return [
        Change("image", now or "none", release.artifact.digest),
        Change("traffic", shares or "none", f"{then} % {release.version}"),
    ]
