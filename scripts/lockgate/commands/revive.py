"""Leave an environment whole: what was cut off is finished or undone, and what should serve runs and has the users."""

from dataclasses import replace

from lockgate.commands.restore import reopen, tidy, what_is_left, what_is_shut, what_is_unreturned
from lockgate.commands.rollouts import Rollouts
from lockgate.commands.secret_values import secrets_of
from lockgate.core.ledger import Lease
from lockgate.core.reasons import Outcome, Reason
from lockgate.core.release import Release
from lockgate.core.rollout_model import Kind, State
from lockgate.core.target import Revision
from lockgate.engine import Engine
from lockgate.errors import StateError


def make_whole(rollouts: Rollouts, lease: Lease) -> list[tuple[State, Engine]]:
    """Recover what was cut off, undo what could not be, bring up again what has died; give each rollout it took.

    Raise StateError where the ledger is away; once something was done, that ends it early, and what was done counts.
    """
    found = rollouts.recover(lease)
    done = [found] if found else []
    if not found and (undoing := what_is_unreturned(rollouts)):
        rollouts.project.console.warn(f"{rollouts.environment.name}: the last rollout could not be undone; undoing it")
        engine = rollouts.engine(lease, undoing.rollout)
        done.append((engine.start(undoing, rollouts.project.runner.run_url), engine))
    reopen(rollouts)
    try:
        if dead := what_died(rollouts):
            done.append(_revived(rollouts, lease, *dead))
        tidy(rollouts)
    except StateError as error:
        if not done:
            raise
        rollouts.project.console.warn(f"{rollouts.environment.name}: what else is left here is not known: {error.what}")
    return done


def _revived(rollouts: Rollouts, lease: Lease, revision: Revision, release: Release) -> tuple[State, Engine]:
    rollouts.project.console.warn(
        f"{rollouts.environment.name}: {revision.version} has the traffic and does not run; "
        f"bringing {release.version} up again, which was verified here"
    )
    reviving = replace(rollouts, secrets=rollouts.secrets or secrets_of(rollouts.project, rollouts.environment))
    plan = rollouts.plan_for(revision, release, Kind.REVIVE)
    engine = reviving.engine(lease, plan.rollout)
    return engine.start(plan, rollouts.project.runner.run_url), engine


def is_whole(rollouts: Rollouts) -> bool:
    """Whether `make_whole` would find nothing to do."""
    cut_off = rollouts.ledger.unfinished(rollouts.service, rollouts.environment.name)
    if cut_off is not None or what_is_left(rollouts) or what_is_shut(rollouts):
        return False
    return what_is_unreturned(rollouts) is None and what_died(rollouts) is None


def what_died(rollouts: Rollouts) -> tuple[Revision, Release] | None:
    """Give the revision that should serve and does not run, and the verified release to bring up instead, if any.

    A machine that was started anew has lost all its processes. What is brought up is what was verified under full
    traffic last, and only where nothing else was meant to serve: a release that was left in place unverified, on
    purpose, is not replaced behind its back. Azure starts again by itself what dies: what does not run there was
    stopped by somebody, and is not started behind their back either.
    """
    if rollouts.environment.target.kind.on_azure:
        return None
    serving = [revision for revision in rollouts.target.observe().revisions if revision.weight]
    ended = [revision for revision in serving if not revision.alive]
    ledger, place = rollouts.ledger, (rollouts.service, rollouts.environment.name)
    if not ended or (standing := ledger.standing(*place)) is None or not (verified := ledger.verified(*place)):
        return None
    known = {verified[0].release.artifact.digest}
    if ended == serving:
        known.add(standing.release.artifact.digest)
    dead = next((revision for revision in ended if revision.digest in known), None)
    if dead and standing.verified:
        return dead, standing.release
    return (dead, verified[0].release) if dead and _went_down_undoing(rollouts) else None


def _went_down_undoing(rollouts: Rollouts) -> bool:
    """Whether it died in the middle of a rollout: the traffic should have gone back to it, and could not; nor since."""
    place = {"service": rollouts.service, "environment": rollouts.environment.name}
    return any(
        last.metadata.get("reason_code") == Reason.ROLLBACK_FAILED
        or (last.status == Outcome.BROKEN and last.metadata.get("kind") == Kind.REVIVE)
        for last in rollouts.ledger.deployments(**place, limit=1)
    )
