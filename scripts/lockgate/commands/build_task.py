"""What every way to build shares: the time and the size it may take, and what it gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lockgate.adapters.clock import Clock
from lockgate.adapters.source_tree import commit_time
from lockgate.commands.project import Project
from lockgate.core.config import BuildConfig
from lockgate.core.quantities import format_duration, format_size
from lockgate.core.release import Artifact
from lockgate.errors import BuildFailedError, BuildOverBudgetError, ImageOverBudgetError

T = TypeVar("T")
_NAMED = 5


class TimeBudget:
    """The time of a build: hands each tool what is left of it, and adds up what the tools took."""

    def __init__(self, clock: Clock, limit: float) -> None:
        self._clock = clock
        self._start = clock.monotonic()
        self.limit = limit
        self.tool = 0.0

    @property
    def used(self) -> float:
        """Seconds since the build began."""
        return self._clock.monotonic() - self._start

    def spend(self, tool: Callable[[float], T]) -> T:
        """Run a tool with the seconds that are left; raise BuildOverBudgetError where none are."""
        left = self.hold()
        started = self._clock.monotonic()
        try:
            return tool(left)
        finally:
            self.tool += self._clock.monotonic() - started

    def hold(self) -> float:
        """Return the seconds that are left; raise BuildOverBudgetError where none are."""
        used = self.used
        if used >= self.limit:
            raise BuildOverBudgetError(
                f"The build took {used:.1f} s; its budget is {format_duration(self.limit)}.",
                fix="Make it faster (install dependencies before the code is copied, so that they are cached), or "
                "raise budgets.build.",
            )
        return self.limit - used


@dataclass(frozen=True, slots=True)
class Task:
    """One build to be done."""

    project: Project
    budget: TimeBudget
    output: Path | None
    """Where to put what travels to another job."""

    @property
    def config(self) -> BuildConfig:
        """How to build."""
        return self.project.config.build

    @property
    def context(self) -> Path:
        """The directory that is built; raise BuildFailedError where it is none."""
        context = self.project.root / self.config.context
        if not context.is_dir():
            raise BuildFailedError(
                f"The build context {self.config.context} is not a directory.", fix="Correct build.context."
            )
        return context

    @property
    def epoch(self) -> int | None:
        """The time of the commit: the only time that may enter a build that can be repeated."""
        return commit_time(self.project.root, self.project.runner.bare_env())

    def weigh(self, size: int, largest: Sequence[tuple[str, int]]) -> None:
        """Hold a size to its budget; raise ImageOverBudgetError."""
        limit = self.project.config.budgets.image
        if size > limit:
            raise ImageOverBudgetError(
                f"The artifact is {megabytes(size)}; its budget is {format_size(limit)}.",
                why="Its largest parts: " + "; ".join(f"{name} ({megabytes(part)})" for name, part in largest[:_NAMED]),
                fix="Leave out what the service does not need to run (.dockerignore, a build stage), or raise "
                "budgets.image.",
            )


@dataclass(frozen=True, slots=True)
class Built:
    """What a build gave."""

    artifact: Artifact
    size: int
    """Bytes: of the image unpacked, or of the bundle's tar."""
    parts: str
    """How many of what it is made of: "5 layers", "31 files"."""
    largest: tuple[tuple[str, int], ...]
    data: Mapping[str, Any]
    base: tuple[str, ...] = ()
    """The images that it was built from, as the Dockerfile names them."""


def reproducible(epoch: int | None) -> dict[str, str]:
    """The variable that builders take their time from; see reproducible-builds.org/specs/source-date-epoch."""
    return {} if epoch is None else {"SOURCE_DATE_EPOCH": str(epoch)}


def megabytes(size: int) -> str:
    """Write a size for people: 12.3 MB."""
    return f"{size / 1e6:.1f} MB"
