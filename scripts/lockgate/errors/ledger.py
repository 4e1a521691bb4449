"""What can go wrong between Lockgate and the record of what was done."""

from lockgate.core.reasons import Decision, Reason
from lockgate.errors.base import LockgateError
from lockgate.errors.rollouts import RolloutRefusedError, StateError


class LedgerUnavailableError(StateError):
    """The ledger's database could not be reached, or did not answer in time."""

    reason = Reason.LEDGER_UNAVAILABLE


class LedgerSlowError(LedgerUnavailableError):
    """One question took longer than its limit; the ledger itself may be well."""


class LedgerRefusedError(StateError):
    """The ledger's database answered, and said no: the key is wrong, or its migrations are missing."""

    reason = Reason.LEDGER_REFUSED


class LeaseUnavailableError(RolloutRefusedError):
    """The ledger cannot give the lease, and without it nothing is begun."""

    reason = Reason.LEASE_UNAVAILABLE


class LedgerAlteredError(LockgateError):
    """An event was changed or removed after it was recorded."""

    reason = Reason.LEDGER_ALTERED
    decision = Decision.FAILED
