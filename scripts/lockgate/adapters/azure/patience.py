"""How long an answer is good, and how often what may be done twice is tried while Azure is at something else."""

from collections.abc import Callable
from typing import Generic, TypeVar

from lockgate.adapters.clock import Clock
from lockgate.core.release import ArtifactKind, Release
from lockgate.errors import AzureConflictError, AzureError, TargetError

T = TypeVar("T")

FRESH_SECONDS = 2.0
"""Two looks within this time are one: under the lease, nobody else should change anything."""
_TRIES = 4
_PAUSE = 5.0
_LONGEST_PAUSE = 15.0
_THROTTLED = 429


class Memory(Generic[T]):
    """The last thing read, while it is fresh."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: tuple[float, T] | None = None

    def keep(self, value: T) -> T:
        """Remember and give it back."""
        self._kept = (self._clock.monotonic(), value)
        return value

    def last(self) -> T | None:
        """What was read last, if that was a moment ago."""
        if self._kept is None or self._clock.monotonic() - self._kept[0] > FRESH_SECONDS:
            return None
        return self._kept[1]

    def forget(self) -> None:
        """Something is about to change."""
        self._kept = None


def patiently(clock: Clock, act: Callable[[], None]) -> None:
    """Do something, again where Azure says that another operation is under way: then it was not done."""
    for _ in range(_TRIES - 1):
        try:
            return act()
        except AzureConflictError:
            clock.sleep(_PAUSE)
    return act()


def until_there(clock: Clock, act: Callable[[], None], there: Callable[[AzureError], bool]) -> None:
    """Do something that may be done twice; after any answer but a refusal, `there` looks whether it is done.

    A conflict may be no refusal: a call that was accepted, and whose answer was lost, conflicts with itself when it is
    sent again. Where it was somebody else's operation, the call is made again.
    """
    for left in reversed(range(_TRIES)):
        try:
            act()
        except AzureError as error:
            conflict = isinstance(error, AzureConflictError)
            if error.certain and not conflict:
                raise
            if there(error):
                break
            if not (conflict and left):
                raise
            clock.sleep(_PAUSE)
        else:
            break


def insistently(clock: Clock, act: Callable[[], None]) -> None:
    """Do what must never be done twice: again only where Azure has refused it for the moment, for certain.

    That is a conflict, or throttling, as the answer to the call itself. After any other answer it may have been done.
    """
    for _ in range(_TRIES - 1):
        try:
            return act()
        except AzureError as error:
            for_now = isinstance(error, AzureConflictError) or error.status == _THROTTLED
            if not (error.certain and for_now):
                raise
            clock.sleep(_PAUSE)
    return act()


def later(clock: Clock, pause: float) -> float:
    """Wait before Azure is asked again, and give the pause after that: what takes long is asked about less often."""
    clock.sleep(pause)
    return min(pause * 1.5, _LONGEST_PAUSE)


def drained(clock: Clock, seconds: float) -> None:
    """Give a revision that had users time to finish: Azure does not say what it still has to do."""
    if seconds:
        clock.sleep(seconds)


def require_image(release: Release) -> None:
    """Raise TargetError for what Azure cannot run."""
    if release.artifact.kind is not ArtifactKind.IMAGE:
        raise TargetError(
            f"{release.artifact} is not a container image, and Azure runs nothing else.",
            fix="Build one with build.kind: acr or docker, then deploy its digest.",
        )
