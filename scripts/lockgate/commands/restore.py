"""Undo what a rollout could not undo, and stop what it could not stop, because the platform would not let it."""

from dataclasses import replace

from lockgate.commands.journals import read_journal
from lockgate.commands.rollouts import Rollouts
from lockgate.core.ledger import LedgerEvent
from lockgate.core.reasons import Outcome, Reason
from lockgate.core.rollout_model import EventKind, Kind, Phase, Plan
from lockgate.core.target import Observation, Revision
from lockgate.engine import replay
from lockgate.errors import LockgateError

_UNDOING = {Phase.ROLLING_BACK, Phase.RESTORED}
_FAILED = f"happened.{EventKind.FAILED}"


def what_is_unreturned(rollouts: Rollouts) -> Plan | None:
    """Give the plan of the undoing that the last rollout could not do, where what it goes back to still runs.

    A restored release that was judged, and is not healthy, is none: nothing is left to be undone there.
    """
    found = _last(rollouts)
    if found is None or found[0] != Outcome.BROKEN or found[2][-1].kind != _FAILED:
        return None
    _, plan, happened = found
    stuck = replay(plan, happened[:-1])
    if plan.baseline is None or stuck.phase not in _UNDOING:
        return None
    standing = rollouts.target.observe().find(plan.baseline.revision)
    if standing is None or not standing.alive:
        return None
    undoing = rollouts.plan_for(standing, plan.release, Kind.RESTORE)
    return replace(undoing, baseline=plan.baseline, about=stuck.preview)


def what_is_shut(rollouts: Rollouts) -> Observation | None:
    """Give what runs and should be reached, where what would take the users to it does not run."""
    seen = rollouts.target.observe()
    serving = [one for one in seen.revisions if one.weight]
    return seen if serving and not seen.reachable and all(one.alive for one in serving) else None


def reopen(rollouts: Rollouts) -> None:
    """Bring the users to what should serve again; raise TargetError. Who gets how much is as it was."""
    if seen := what_is_shut(rollouts):
        where = rollouts.environment.name
        rollouts.project.console.warn(f"{where}: nobody is served at {seen.url}, though what should serve there runs")
        rollouts.target.shift({one.id: one.weight for one in seen.revisions if one.weight})
        rollouts.project.console.good(f"{where}: {seen.url} answers again")


def join(rollouts: Rollouts) -> None:
    """Make room for what comes after a rollout that was left with both revisions serving, because it may not go back.

    All of the traffic goes to the one that the ledger takes for what stands: it has most of it. Raise TargetError.
    """
    found = _last(rollouts)
    standing = rollouts.ledger.standing(rollouts.service, rollouts.environment.name)
    if found is None or standing is None or replay(found[1], found[2]).reason is not Reason.ROLLBACK_REFUSED:
        return
    serving = [one for one in rollouts.target.observe().revisions if one.weight]
    stays = next((one for one in serving if one.id == standing.revision), None)
    if stays and len(serving) > 1:
        text = f"{rollouts.environment.name}: {stays.version} gets all of the traffic, to make room for what comes"
        rollouts.project.console.warn(text)
        rollouts.target.shift({stays.id: 100})


def what_is_left(rollouts: Rollouts) -> list[Revision]:
    """Give what the last rollout meant to stop and that runs all the same, without users."""
    found = _last(rollouts)
    if found is None or found[0] == Outcome.BROKEN:
        return []
    outcome, plan, happened = found
    if plan.kind is Kind.REVIVE:
        # Whatever else runs there without users was about to be replaced when it happened.
        return [one for one in rollouts.target.observe().revisions if one.alive and not one.weight]
    old = plan.baseline.revision if plan.baseline else ""
    if outcome == Outcome.DEPLOYED and (not old or happened[-1].kind != _FAILED):
        return []
    idle = [one for one in rollouts.target.observe().revisions if one.alive and not one.weight]
    if outcome == Outcome.DEPLOYED:
        return [one for one in idle if one.id == old]
    return [one for one in idle if one.id != old and one.digest == plan.release.artifact.digest]


def tidy(rollouts: Rollouts) -> None:
    """Stop it now. That it should stop is in the rollout's journal already; what fails again is told, and no more."""
    for revision in what_is_left(rollouts):
        where = rollouts.environment.name
        try:
            rollouts.target.retire(revision.id)
        except LockgateError as error:
            rollouts.project.console.warn(f"{where}: {revision.version} still runs without users: {error.what}")
        else:
            rollouts.project.console.step(f"{where}: {revision.version} was left without users; it is stopped")


def _last(rollouts: Rollouts) -> tuple[str, Plan, list[LedgerEvent]] | None:
    """Give the outcome, the plan and what happened of the last rollout, if it has ended and did something."""
    ledger = rollouts.ledger
    latest = ledger.deployments(service=rollouts.service, environment=rollouts.environment.name, limit=1)
    if not latest or latest[0].status not in set(Outcome):
        return None
    events = read_journal(ledger, latest[0].id)
    happened = [one for one in events if one.kind.startswith("happened.")]
    if not happened or "plan" not in events[0].data:
        return None
    return latest[0].status, Plan.from_dict(events[0].data["plan"]), happened
