r"""Many rollouts as one: a pure state machine that ends with one version everywhere, or says that it could not.

    waiting -> running -> holding -> [committed] -> running -> ended: deployed
                  \          \______ [cause] ______ running -> ended: rolled back
                   \_ ended: aborted, rolled back, broken; that is a cause

A member is one target's rollout. It holds after its bake, undoable, until all hold; then the fleet is committed and
every member released. The first that ends otherwise is the cause: nothing more is started, and every member that holds
is rolled back. Commit and cause exclude each other, and whoever recovers a fleet needs to know only whether it was
committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lockgate.core.fleet_plan import Waves
from lockgate.core.reasons import Outcome, Reason


class Stage(StrEnum):
    """Where a member is."""

    WAITING = "waiting"
    RUNNING = "running"
    HOLDING = "holding"
    ENDED = "ended"


class Wish(StrEnum):
    """What a fleet wants next."""

    SHIP = "ship"
    """Start these members."""
    COMMIT = "commit"
    """Record that the new version stays; nothing may be released before."""
    RELEASE = "release"
    """Tell these members, which hold, to finish."""
    UNDO = "undo"
    """Tell these members, which hold, to go back."""
    WAIT = "wait"
    """Until a member that runs holds or ends."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a member, or the fleet, ended."""

    outcome: Outcome | None
    """None: its rollout could not be brought to an end here, and has to be recovered."""
    reason: Reason = Reason.OK
    message: str = ""
    member: str = ""
    """Whose ending it was, where a fleet goes back because of it."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        outcome = self.outcome and self.outcome.value
        return {
            "outcome": outcome,
            "reason_code": self.reason.value,
            "message": self.message,
            "member": self.member,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Ending":
        """Read the JSON form; a rollout's ending in its journal is one, too."""
        outcome = Outcome(data["outcome"]) if data["outcome"] else None
        return cls(outcome, Reason(data["reason_code"]), data["message"], data.get("member", ""))


@dataclass(frozen=True, slots=True)
class Fleet:
    """Where a fleet is."""

    waves: Waves
    stages: Mapping[str, Stage]
    endings: Mapping[str, Ending] = field(default_factory=dict)
    cause: Ending | None = None
    """Why it goes back: how the first failing member ended, or that somebody asked."""
    committed: bool = False


class OutOfStepError(ValueError):
    """A change that cannot happen now: a bug in the coordinator."""


def begin(waves: Waves) -> Fleet:
    """Start with every member waiting."""
    return Fleet(waves, {name: Stage.WAITING for wave in waves for name in wave})


def wish(fleet: Fleet) -> tuple[Wish, tuple[str, ...]]:
    """Give what is wanted next, and of which members."""
    holding = _at(fleet, Stage.HOLDING)
    if fleet.committed or fleet.cause:
        if holding:
            return (Wish.RELEASE if fleet.committed else Wish.UNDO), holding
        return (Wish.WAIT if _at(fleet, Stage.RUNNING) else Wish.NOTHING), ()
    for wave in fleet.waves:
        waiting = tuple(name for name in wave if fleet.stages[name] is Stage.WAITING)
        if waiting:
            return Wish.SHIP, waiting
        if any(fleet.stages[name] is not Stage.HOLDING for name in wave):
            return Wish.WAIT, ()
    return Wish.COMMIT, ()


def started(fleet: Fleet, *names: str) -> Fleet:
    """Members run: towards holding, or on after they were told to release or undo."""
    return _to(fleet, Stage.RUNNING, {Stage.WAITING, Stage.HOLDING}, *names)


def not_started(fleet: Fleet, name: str) -> Fleet:
    """Take back that a member was started: it was still in the queue."""
    return _to(fleet, Stage.WAITING, {Stage.RUNNING}, name)


def held(fleet: Fleet, name: str) -> Fleet:
    """A member is healthy under all traffic, and waits."""
    return _to(fleet, Stage.HOLDING, {Stage.RUNNING}, name)


def ended(fleet: Fleet, name: str, ending: Ending) -> Fleet:
    """A member ended. Before the commit that is a cause to go back, the first one counts."""
    fleet = _to(fleet, Stage.ENDED, {Stage.RUNNING}, name)
    fleet = replace(fleet, endings={**fleet.endings, name: ending})
    return stopped(fleet, _by(name, ending))


def stopped(fleet: Fleet, cause: Ending) -> Fleet:
    """Go back, unless the fleet is committed or goes back already."""
    return fleet if fleet.committed or fleet.cause else replace(fleet, cause=cause)


def commit(fleet: Fleet) -> Fleet:
    """The new version stays."""
    if wish(fleet)[0] is not Wish.COMMIT:
        raise OutOfStepError("commit while not every member holds")
    return replace(fleet, committed=True)


def verdict(fleet: Fleet) -> Ending:
    """Give how the fleet ended: one version everywhere is anything but broken."""
    outcomes = {ending.outcome for ending in fleet.endings.values()}
    if fleet.committed and outcomes == {Outcome.DEPLOYED}:
        return Ending(Outcome.DEPLOYED)
    cause = fleet.cause or next(
        (_by(name, e) for name, e in fleet.endings.items() if e.outcome is not Outcome.DEPLOYED),
        Ending(None, Reason.INTERRUPTED, "it was cut off before anything was started"),
    )
    if fleet.committed or outcomes & {None, Outcome.BROKEN, Outcome.DEPLOYED}:
        return replace(cause, outcome=Outcome.BROKEN)
    return replace(cause, outcome=Outcome.ROLLED_BACK if Outcome.ROLLED_BACK in outcomes else Outcome.ABORTED)


def _by(name: str, ending: Ending) -> Ending:
    return replace(ending, member=name, message=f"{name}: {ending.message or ending.reason}")


def _at(fleet: Fleet, stage: Stage) -> tuple[str, ...]:
    return tuple(name for name, at in fleet.stages.items() if at is stage)


def _to(fleet: Fleet, stage: Stage, allowed: set[Stage], *names: str) -> Fleet:
    for name in names:
        if fleet.stages[name] not in allowed:
            raise OutOfStepError(f"{name} is {fleet.stages[name]} and cannot be {stage}")
    return replace(fleet, stages={**fleet.stages, **dict.fromkeys(names, stage)})
