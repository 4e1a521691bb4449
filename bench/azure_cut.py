"""A rollout on Azure that is cut off at one line of its journal, and what another machine makes of it.

Of the first machine nothing is left but a copy of the ledger as it was at that instant.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.azure_cells import SCENARIOS, Watched, recovered_elsewhere
from bench.azure_place import NEW, AzurePlace
from bench.azure_troubles import KilledError
from lockgate.core.ledger import LedgerEvent

_EFFECTS_DONE = {"happened.previewed", "happened.shifted", "happened.retired"}
"""Before these an effect is done and nobody has written it down; between other lines nothing happens."""


@dataclass(frozen=True, slots=True)
class Line:
    """A point of the journal."""

    scenario: str
    moment: str
    """Whether the process dies "before" or "after" the line is written."""
    number: int
    kind: str

    def __str__(self) -> str:
        return f"{self.scenario}: {self.moment} {self.number} {self.kind.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Cut:
    """How one ended."""

    line: Line
    recovered: str
    serves: str
    complaints: tuple[str, ...]


def lines(place: AzurePlace, scenario: str) -> Iterator[Line]:
    """Rehearse a scenario and give every point where it could be cut off."""
    seen: list[LedgerEvent] = []
    _begin(place, scenario)
    place.journaled = lambda moment, event: seen.append(event) if moment == "after" else None
    place.deploy(NEW)
    for event in seen:
        if event.kind in _EFFECTS_DONE:
            yield Line(scenario, "before", event.seq, event.kind)
        yield Line(scenario, "after", event.seq, event.kind)


def cut_off(place: AzurePlace, line: Line, *, onward: bool = True) -> Cut:
    """Deploy until this line, recover elsewhere, and deploy the next release if it is to go `onward`."""
    _begin(place, line.scenario)
    watched = Watched(place)

    def journaled(moment: str, event: LedgerEvent) -> None:
        if (moment, event.seq) == (line.moment, line.number):
            place.journaled = lambda *_: None
            watched.die()

    place.journaled = journaled
    try:
        place.deploy(NEW)
    except KilledError:
        place.journaled = lambda *_: None
    else:
        watched.complaints.append("it was not cut off")
    recovered, serves = recovered_elsewhere(place, watched, onward=onward)
    return Cut(line, recovered, serves, tuple(watched.complaints))


def _begin(place: AzurePlace, scenario: str) -> None:
    place.reset()
    place.looker.bad_in = SCENARIOS[scenario]
