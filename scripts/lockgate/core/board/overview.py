"""What serves where, service by service: the first page of the board."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lockgate.core.board.findings import Short, short
from lockgate.core.board.rows import Serving
from lockgate.core.ledger import Deployment

_EARLY = ("dev", "test", "int", "qa", "preview", "stag", "uat", "pre")
_LATE = ("prod", "live")


@dataclass(frozen=True, slots=True)
class Cell:
    """One environment of a service."""

    environment: str
    serving: Serving | None
    """None before anything was ever deployed there."""
    open: Deployment | None
    """The rollout that is under way."""
    behind: Serving | None
    """What serves in the environment before this one, where it is another release."""

    @property
    def coming(self) -> Short | None:
        """What the scan of the release that is on its way found."""
        return short(self.open.metadata.get("found")) if self.open else None

    @property
    def health(self) -> str:
        """How sure one may be of what serves: `verified`, `restored`, `broken`, `unverified` or `empty`."""
        if self.serving is None:
            return "empty"
        if self.serving.status == "broken":
            return "broken"
        if not self.serving.verified:
            return "unverified"
        return "restored" if self.serving.status == "rolled_back" else "verified"


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service with its environments, in the order in which a release goes through them."""

    service: str
    cells: tuple[Cell, ...]


def overview(serving: Sequence[Serving], under_way: Sequence[Deployment]) -> list[ServiceRow]:
    """Put together what serves and what is under way."""
    known = {(one.service, one.environment): one for one in serving}
    going: dict[tuple[str, str], Deployment] = {}
    for rollout in under_way:
        going.setdefault((rollout.service, rollout.environment), rollout)
    places: dict[str, set[str]] = defaultdict(set)
    for service, environment in (*known, *going):
        places[service].add(environment)
    return [ServiceRow(service, _cells(service, names, known, going)) for service, names in sorted(places.items())]


@lru_cache(1024)
def rank(environment: str) -> tuple[int, str]:
    """Give the place of an environment on the way to the users, by the names that people give them."""
    name = environment.lower()
    for number, beginning in enumerate(_EARLY):
        if name.startswith(beginning):
            return number, name
    late = any(name.startswith(beginning) for beginning in _LATE)
    return (len(_EARLY) + late, name)


def _cells(
    service: str,
    names: set[str],
    known: dict[tuple[str, str], Serving],
    going: dict[tuple[str, str], Deployment],
) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for name in sorted(names, key=rank):
        here = known.get((service, name))
        before = next((cell.serving for cell in reversed(cells) if cell.serving), None)
        differs = here is not None and before is not None and before.digest != here.digest
        cells.append(Cell(name, here, going.get((service, name)), before if differs else None))
    return tuple(cells)
