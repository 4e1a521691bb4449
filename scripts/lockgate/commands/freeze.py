"""Whether something new may be deployed now; and the override, which is never silent."""

from datetime import UTC, datetime

from lockgate.adapters import time_zones
from lockgate.commands.rollouts import Rollouts
from lockgate.core import fleet_plan
from lockgate.core.freeze import frozen, held_until
from lockgate.errors import FrozenError, HeldError, RolloutRefusedError, UsageError

_ENDINGS = 50


def read_override(given: str | None, from_input: str, command: str = "deploy") -> str:
    """Give the reason for an override, "" where none was given; raise UsageError for one without a reason."""
    if given is not None and not given.strip():
        raise UsageError(
            f"lockgate {command}: --override needs a reason.", fix='For example: --override "fixes the outage of today"'
        )
    return (given or from_input).strip()


def check_open(rollouts: Rollouts, override: str) -> str:
    """Give the override for the record where one was needed, "" where nothing is in the way.

    Raise FrozenError or HeldError where something is and no override was given.
    """
    refusal = refused(rollouts)
    if refusal is None:
        return ""
    if not override:
        raise refusal
    rollouts.project.console.warn(f"{refusal.what} Overridden: {override}")
    return override


def refused(rollouts: Rollouts) -> RolloutRefusedError | None:
    """Give why nothing new may be deployed now, None where it may."""
    environment, now = rollouts.environment, rollouts.project.clock.now()
    name = environment.name
    fix = f'Wait, or say why it cannot: lockgate deploy {name} --override "REASON". Rolling back is always possible.'
    zones = [(window, time_zones.find(window.timezone) or UTC) for window in environment.freeze]
    if freeze := frozen(zones, now):
        return FrozenError(f"{name} is frozen until {freeze.until:%a %Y-%m-%d %H:%M} UTC.", why=freeze.reason, fix=fix)
    until = _held_until(rollouts) if environment.hold_after_rollback else None
    if until is None or until <= now:
        return None
    return HeldError(
        f"{name} holds still until {until:%a %Y-%m-%d %H:%M:%S} UTC.",
        why="A release failed there a short time ago, and hold_after_rollback gives people the time to look.",
        fix=fix,
    )


def _held_until(rollouts: Rollouts) -> datetime | None:
    """Say until when to hold still. A part of a fleet holds it until that part, or the whole fleet, was deployed."""
    environment = rollouts.environment
    name, limit = environment.name, _ENDINGS * (len(environment.targets) + 1)
    found = rollouts.ledger.deployments(
        service=rollouts.service, environment="" if environment.targets else name, limit=limit
    )
    records = {one.environment for one in found if fleet_plan.is_record_of(environment, one.environment)}
    untils = (
        held_until(
            [(one.status, one.deployed_at) for one in found if one.environment in {record, name}],
            environment.hold_after_rollback,
        )
        for record in records
    )
    return max(filter(None, untils), default=None)
