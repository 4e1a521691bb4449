"""What every ledger says about a lease that somebody else has."""

from lockgate.core.ledger import Lease
from lockgate.errors import LeaseHeldError, LeaseLostError


def held(lease: Lease) -> LeaseHeldError:
    """Say who has the lease."""
    return LeaseHeldError(
        f"{lease.service} in {lease.environment} is being deployed by {lease.holder}.",
        why=f"Its lease runs until {lease.expires_at} and is renewed while it works.",
        fix="Wait for it to end. If its machine is gone, the lease expires by itself; "
        "then `lockgate recover` undoes what it left.",
    )


def lost(lease: Lease) -> LeaseLostError:
    """Say that another rollout has the lease now."""
    return LeaseLostError(
        f"The lease on {lease.service} in {lease.environment} was taken over by another rollout.",
        why=f"It was not renewed before {lease.expires_at}: this process stood still, or the machine's clock jumped.",
        fix="Nothing to do here: the other rollout recovers what this one left. See `lockgate status`.",
    )
