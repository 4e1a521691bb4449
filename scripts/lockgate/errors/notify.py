"""What can go wrong when others are told."""

from lockgate.core.reasons import Reason
from lockgate.errors.base import LockgateError


class NotificationError(LockgateError):
    """A place could not be told how a rollout ended. It is said in the log, and ends no command."""

    reason = Reason.NOTIFICATION_FAILED
