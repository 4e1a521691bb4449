"""The data of a rollout: its plan, its state, what it can want and what can happen. With their JSON forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lockgate.core.reasons import Outcome, Reason
from lockgate.core.release import Release


class Kind(StrEnum):
    """What a rollout is for."""

    DEPLOY = "deploy"
    ADOPT = "adopt"
    """Judge what serves already, and remember it; nothing is changed."""
    REVIVE = "revive"
    """What was verified does not run any more: bring it up again."""
    RESTORE = "restore"  # a rollout ended broken because its undoing could not be done: do it now


class Phase(StrEnum):
    """Where a rollout is."""

    PREVIEWING = "previewing"
    PRE_PROMOTION = "pre_promotion"
    INTEGRATING = "integrating"
    MIGRATING = "migrating"
    """The hook before promotion runs."""
    SHIFTING = "shifting"
    STEP = "step"
    BAKE = "bake"
    HOLDING = "holding"
    """Judged healthy, and kept undoable until the other targets of the environment are, too."""
    FINISHING = "finishing"
    """The hook after promotion runs."""
    RETIRING_OLD = "retiring_old"
    ABORTING = "aborting"
    ROLLING_BACK = "rolling_back"
    RESTORED = "restored"
    RETIRING_NEW = "retiring_new"
    ADOPTING = "adopting"
    REVIVING = "reviving"
    """Bringing the traffic to a release that was verified before, while nobody is served."""
    REVIVED = "revived"
    DONE = "done"


class Watch(StrEnum):
    """The analyses of a rollout."""

    PRE_PROMOTION = "pre_promotion"
    STEP = "step"
    BAKE = "bake"
    RESTORED = "restored"


class Moment(StrEnum):
    """When a hook runs."""

    BEFORE = "before"
    AFTER = "after"


class EffectKind(StrEnum):
    """What a rollout can want of the world."""

    DEPLOY_PREVIEW = "deploy_preview"
    ANALYSE = "analyse"
    INTEGRATE = "integrate"
    HOOK = "hook"
    """Run the environment's command for this moment: see `Effect.moment`."""
    SHIFT = "shift"
    RETIRE = "retire"
    DISCARD = "discard"
    """Retire the preview, known by id or, after a crash, as whatever of this release has no traffic."""


class EventKind(StrEnum):
    """What can happen."""

    PREVIEWED = "previewed"
    JUDGED = "judged"
    INTEGRATED = "integrated"
    HOOKED = "hooked"
    SHIFTED = "shifted"
    RELEASED = "released"
    """Every other target is healthy too: nothing has to be kept undoable any more."""
    RETIRED = "retired"
    FAILED = "failed"
    """The effect that was wanted could not be done."""
    STOPPED = "stopped"
    """Somebody, or a crash, or a limit, ended the forward path."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What serves in an environment, as the ledger remembers it."""

    revision: str
    release: Release
    verified: bool
    """Whether a gate judged it healthy under full traffic."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"revision": self.revision, "verified": self.verified, "release": self.release.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Standing":
        """Read the JSON form."""
        return cls(data["revision"], Release.from_dict(data["release"]), data["verified"])


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rollout is to do; fixed before it begins."""

    rollout: str
    environment: str
    release: Release
    baseline: Standing | None
    """What serves now and can be returned to: verified, and running."""
    steps: tuple[int, ...]
    """Percent of the traffic, increasing, the last 100."""
    integrate: bool = False
    hooks: frozenset[Moment] = frozenset()
    """The moments at which the environment has a command to run."""
    reversible: bool = True
    """Whether the release before works with what this release's migration leaves."""
    hold: bool = False
    """Whether somebody, its `fleet`, says after the bake when the old revision may go."""
    actor: str = ""
    approval: str = ""
    kind: Kind = Kind.DEPLOY
    about: str = ""
    """The revision to adopt, the dead one that is replaced, or the one to undo; not for a deploy."""
    override: str = ""
    """Why a freeze, a hold, or for a rollback a missing signature did not stop it, in the words of who said so."""
    fleet: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "rollout": self.rollout,
            "environment": self.environment,
            "release": self.release.to_dict(),
            "baseline": self.baseline.to_dict() if self.baseline else None,
            "steps": list(self.steps),
            "integrate": self.integrate,
            "hooks": sorted(self.hooks),
            "reversible": self.reversible,
            "hold": self.hold,
            "actor": self.actor,
            "approval": self.approval,
            "kind": self.kind,
            "about": self.about,
            "override": self.override,
            "fleet": self.fleet,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Plan":
        """Read the JSON form."""
        return cls(
            data["rollout"],
            data["environment"],
            Release.from_dict(data["release"]),
            Standing.from_dict(data["baseline"]) if data["baseline"] else None,
            tuple(data["steps"]),
            data["integrate"],
            frozenset(map(Moment, data["hooks"])),
            data["reversible"],
            data["hold"],
            data["actor"],
            data["approval"],
            Kind(data["kind"]),
            data["about"],
            data["override"],
            data.get("fleet", ""),
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing wanted."""

    kind: EffectKind
    revision: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    watch: Watch | None = None
    moment: Moment | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        weights = dict(self.weights)
        return {"revision": self.revision, "weights": weights, "watch": self.watch, "moment": self.moment}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    kind: EventKind
    revision: str = ""
    passed: bool = False
    reason: Reason = Reason.OK
    message: str = ""
    untouched: bool = False
    """Of one that ends the forward path: whether it is certain that the traffic has not begun to move."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        told = {"revision": self.revision, "passed": self.passed, "message": self.message}
        return told | {"reason_code": self.reason.value} | ({"untouched": True} if self.untouched else {})

    @classmethod
    def from_dict(cls, kind: str, data: Mapping[str, Any]) -> "Event":
        """Read the JSON form."""
        reason, untouched = Reason(data["reason_code"]), data.get("untouched", False)
        return cls(EventKind(kind), data["revision"], data["passed"], reason, data["message"], untouched)


@dataclass(frozen=True, slots=True)
class State:
    """Where a rollout is, and the one effect it wants next; none when it is done."""

    plan: Plan
    phase: Phase
    step: int = 0
    preview: str = ""
    effect: Effect | None = None
    outcome: Outcome | None = None
    reason: Reason = Reason.OK
    message: str = ""

    def standing(self) -> Standing | None:
        """Give what serves at the end: the new release, or what served before. Only for a state that is done."""
        if self.plan.kind is Kind.REVIVE and not self.preview:
            return None
        new = Standing(self.preview, self.plan.release, verified=self.outcome is Outcome.DEPLOYED)
        stays = self.plan.baseline is None or self.reason is Reason.ROLLBACK_FAILED
        most = self.reason is Reason.ROLLBACK_REFUSED and self.plan.steps[self.step] > 50  # noqa: PLR2004 - percent
        if self.outcome is Outcome.DEPLOYED or (self.outcome is Outcome.BROKEN and stays) or most:
            return new
        baseline = self.plan.baseline
        if self.outcome is Outcome.BROKEN and baseline:
            return Standing(baseline.revision, baseline.release, verified=False)
        return baseline
