"""Why a rollout does not begin, and what the platform or Lockgate's own files can refuse on the way."""

from lockgate.core.reasons import Decision, Reason
from lockgate.errors.base import LockgateError


class RolloutRefusedError(LockgateError):
    """A rollout did not start, and nothing was changed."""

    decision = Decision.ABORTED


class ApprovalDeniedError(RolloutRefusedError):
    """A person said no, or nobody could be asked."""

    reason = Reason.APPROVAL_DENIED


class LeaseHeldError(RolloutRefusedError):
    """Another rollout holds the lease of this environment."""

    reason = Reason.LEASE_HELD


class LeaseLostError(RolloutRefusedError):
    """The lease expired and another rollout took it: this one may not write any more."""

    reason = Reason.LEASE_LOST


class DriftError(RolloutRefusedError):
    """What runs is not what the ledger says."""

    reason = Reason.DRIFT


class NothingToRollBackError(RolloutRefusedError):
    """There is no earlier verified release."""

    reason = Reason.NOTHING_TO_ROLL_BACK


class ReleaseRefusedError(RolloutRefusedError):
    """This digest was rolled back here before."""

    reason = Reason.RELEASE_REFUSED


class UnfinishedRolloutError(RolloutRefusedError):
    """An earlier rollout did not finish; it must be recovered first."""

    reason = Reason.UNFINISHED_ROLLOUT


class NothingToAdoptError(RolloutRefusedError):
    """Nothing runs there that could be taken in."""

    reason = Reason.NOTHING_TO_ADOPT


class FrozenError(RolloutRefusedError):
    """The environment is frozen now, by its config."""

    reason = Reason.FROZEN


class HeldError(RolloutRefusedError):
    """The environment holds still for a while after a release failed in it."""

    reason = Reason.HELD


class TargetError(LockgateError):
    """The platform could not do what was asked."""

    decision = Decision.ABORTED
    reason = Reason.TARGET_FAILED


class ServiceNotListeningError(TargetError):
    """The service runs and does not listen on its port."""

    reason = Reason.SERVICE_NOT_LISTENING


class ServiceExitedError(TargetError):
    """The service ended while it was being started."""

    reason = Reason.SERVICE_EXITED


class ServiceWrongPortError(TargetError):
    """The service listens, on another port than the one it was given."""

    reason = Reason.SERVICE_WRONG_PORT


class PortTakenError(TargetError):
    """Another program has the port."""

    reason = Reason.PORT_TAKEN


class ProxyMissingError(TargetError):
    """Caddy, which the local target needs, is not on this machine."""

    reason = Reason.PROXY_MISSING


class StateError(LockgateError):
    """Lockgate's own files."""


class StateNotWritableError(StateError):
    """The state directory cannot be written."""

    reason = Reason.STATE_NOT_WRITABLE


class StateDamagedError(StateError):
    """A file in the state directory does not say what it should."""

    reason = Reason.STATE_DAMAGED


class DiskFullError(StateError):
    """The disk is full."""

    reason = Reason.DISK_FULL


class LedgerDamagedError(StateError):
    """The ledger's file is not a ledger."""

    reason = Reason.LEDGER_DAMAGED
