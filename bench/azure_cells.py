"""One cell of the fault matrix: a rollout on Azure, one call of it that goes wrong, and what must hold nevertheless."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bench.azure_place import NEW, NEXT, OLD, AzurePlace, heal
from bench.azure_troubles import TROUBLES, KilledError
from lockgate.core.rollout_model import State, Watch
from lockgate.errors import LockgateError
from tests.standins.azure.messages import Answer
from tests.standins.azure.web import WebApp

SCENARIOS: dict[str, Watch | None] = {"deploys": None, "aborts": Watch.PRE_PROMOTION, "rolls back": Watch.BAKE}
"""How the rollout goes without trouble, by the watch in which the release is found to be bad."""
REFUSED, KILLED = "refused", "killed"
_ID = re.compile(r"(operation\w+|manifests|revisions)/[^/]+")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an undisturbed rollout."""

    number: int
    name: str
    """METHOD /path, as it was sent."""
    label: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class Cell:
    """How one ended."""

    scenario: str
    call: Call
    trouble: str
    outcome: str
    """Of the rollout that met the trouble."""
    recovered: str
    """What `recover` found to do, and how that ended; "" where nothing was left."""
    serves: str
    complaints: tuple[str, ...]


def rehearse(place: AzurePlace, scenario: str) -> list[Call]:
    """Give the calls of an undisturbed rollout, in order."""
    place.reset()
    place.looker.bad_in = SCENARIOS[scenario]
    place.deploy(NEW)
    return [Call(number, name, label(place, name)) for number, name in enumerate(place.wire.calls, 1)]


def label(place: AzurePlace, call: str) -> str:
    """Name a call for people."""
    return _ID.sub(r"\1/...", call.replace(place.app.path, "app")).rstrip("/")


def disturb(place: AzurePlace, scenario: str, call: Call, trouble: str) -> Cell:
    """Deploy with this trouble at this call, heal Azure, recover elsewhere, deploy the next release, and look."""
    place.reset()
    place.looker.bad_in = SCENARIOS[scenario]
    watched = _Troubled(place, call, trouble)
    state: State | None = None
    outcome = KILLED
    try:
        state = place.deploy(NEW)
        outcome = str(state.outcome)
    except KilledError:
        pass
    except LockgateError as error:
        outcome = REFUSED
        watched.refusal = error
    except Exception as error:  # noqa: BLE001 - any other is what the matrix looks for
        outcome = "traceback"
        watched.complaints.append(f"{type(error).__name__}: {error}")
    watched.complaints += _dishonest(place, watched, outcome, state)
    recovered, serves = recovered_elsewhere(place, watched)
    return Cell(scenario, call, trouble, outcome, recovered, serves, tuple(watched.complaints))


class Watched:
    """Stands at the wire, and looks at every call who serves."""

    def __init__(self, place: AzurePlace) -> None:
        self.place = place
        self.complaints: list[str] = []
        self.refusal: LockgateError | None = None
        self.died = False
        self.had_users = False
        place.wire.before = place.wire.after = lambda _: self.look()

    def look(self) -> None:
        """Nobody may be served by what was not judged."""
        if NEW in self.place.serving():
            self.had_users = True
            if Watch.PRE_PROMOTION not in self.place.looker.passed:
                self.complaints.append("users were sent to a release that was not judged")

    def die(self) -> None:
        """End the process here and now."""
        self.died = True
        self.place.keep_ledger()
        raise KilledError


class _Troubled(Watched):
    """Lets a trouble strike at its call."""

    def __init__(self, place: AzurePlace, call: Call, trouble: str) -> None:
        super().__init__(place)
        self.call, self.trouble = call, TROUBLES[trouble]
        place.wire.before, place.wire.after = self._before, self._after

    def _before(self, name: str) -> None:
        self.look()
        if len(self.place.wire.calls) == self.call.number:
            if label(self.place, name) != self.call.label:
                self.complaints.append(f"call {self.call.number} is {name}, and was {self.call.name}")
            self.trouble.strike(self.place, name)
            if self.trouble.kills == "before":
                self.die()

    def _after(self, _: str) -> None:
        self.look()
        if self.trouble.kills == "after" and len(self.place.wire.calls) == self.call.number:
            self.die()


def _dishonest(place: AzurePlace, watched: Watched, outcome: str, state: State | None) -> Iterator[str]:
    """Hold the outcome against who serves at that moment."""
    serving = place.serving()
    judged = place.looker.passed
    if outcome == "deployed" and (serving != {NEW: 100} or Watch.BAKE not in judged):
        yield f"deployed, and {serving} serves"
    if outcome == "aborted" and (serving != {OLD: 100} or watched.had_users):
        yield f"aborted, and {serving} serves, {watched.had_users=}"
    if outcome == "rolled_back" and (serving != {OLD: 100} or Watch.RESTORED not in judged):
        yield f"rolled back, and {serving} serves"
    if outcome == "broken" and not (state and state.message):
        yield "broken, and nobody says why"
    if outcome == REFUSED and (serving != {OLD: 100} or any(kind.startswith("intended") for kind in _kinds(place))):
        yield f"refused after something was begun: {watched.refusal}"


def _kinds(place: AzurePlace) -> list[str]:
    """The kinds of the lines that were written since the seeded ones, which end with the adoption's."""
    lines = [kind for _, kind, _ in place.journal()]
    return lines[lines.index("rollout.finished") + 1 :]


def recovered_elsewhere(place: AzurePlace, watched: Watched, *, onward: bool = True) -> tuple[str, str]:
    """Heal Azure, recover on a machine that has the ledger alone, deploy the next release if it is to go `onward`.

    Give what `recover` did and who serves then; what is not as it must be is among the complaints.
    """
    recovered = _recover(place, watched)
    if left := place.left_over():
        watched.complaints.append(f"left over: {left}")
    serves = next(iter(place.serving()))
    watched.complaints += _not_good(place, watched)
    if onward:
        watched.complaints += _no_way_on(place)
    return recovered, serves


def _recover(place: AzurePlace, watched: Watched) -> str:
    place.wire.before = place.wire.after = lambda _: watched.look()
    if watched.died:
        place.move()
    heal_all(place)
    if not watched.died:
        place.move()
    try:
        done = place.recover()
    except (LockgateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        watched.complaints.append(f"recover: {type(error).__name__}: {error}")
        return "error"
    try:
        if again := place.recover():
            watched.complaints.append(f"recover found something to do twice: {[one.outcome for one in again]}")
    except LockgateError as error:
        watched.complaints.append(f"recover, again: {error}")
    return ", ".join(str(one.outcome) for one in done)


def heal_all(place: AzurePlace) -> None:
    """Let Azure be well, but for operations that go on by themselves."""
    running = [one for one in place.azure.operations.all.values() if not one.ended and one.due != float("inf")]
    dues = [one.due for one in running]
    for one in running:
        one.ended = True
    heal(place.azure)
    for one, due in zip(running, dues, strict=True):
        one.ended, one.due = False, due


def _not_good(place: AzurePlace, watched: Watched) -> Iterator[str]:
    """Say what is not one verified release with all users, known to the ledger."""
    watched.look()
    serving = place.serving()
    rollouts, _ = place.machine()
    ledger = rollouts.ledger
    standing = ledger.standing("shop", "production")
    if serving not in ({OLD: 100}, {NEW: 100}):
        yield f"at the end {serving} serves"
    elif standing is None or not standing.verified or {standing.release.version: 100} != serving:
        yield f"{serving} serves, and the ledger knows of {standing}"
    elif serving == {NEW: 100} and Watch.BAKE not in place.looker.passed:
        yield "the new release serves, and its bake was not passed"
    if ledger.unfinished("shop", "production"):
        yield "a rollout is unfinished"
    if isinstance(place.app, WebApp):
        yield from _swapped_twice(place, place.app)


def _no_way_on(place: AzurePlace) -> Iterator[str]:
    """Deploy the next release, and say what hinders that."""
    place.looker.bad_in = None
    try:
        after = place.deploy(NEXT)
    except LockgateError as error:
        yield f"the next release is refused: {error}"
    else:
        if after.outcome != "deployed" or place.serving() != {NEXT: 100}:
            yield f"the next release ended {after.outcome}: {after.message}"


def _swapped_twice(place: AzurePlace, app: WebApp) -> Iterator[str]:
    """Each journaled shift of all users may order one swap."""
    shifts = [data["weights"] for _, kind, data in place.journal() if kind == "intended.shift"]
    ordered = sum(max(weights.values()) == 100 for weights in shifts)
    begun = [one for one in place.azure.server.calls("POST .*/slotsswap$") if not _refused_for_certain(one.answer)]
    if len(begun) > ordered or app.swaps > ordered:
        yield f"{ordered} swaps were wanted, {len(begun)} may have begun and {app.swaps} were made"


def _refused_for_certain(answer: Answer | None) -> bool:
    """Whether a swap that was answered so cannot have begun."""
    return answer is not None and answer.status in {400, 401, 403, 409, 429}
