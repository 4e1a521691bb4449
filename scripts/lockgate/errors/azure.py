"""What Azure can answer. Each says whether the call's effect may have happened, because undoing hangs on that."""

from lockgate.core.reasons import Decision, Reason
from lockgate.errors.base import LockgateError


class AzureError(LockgateError):
    """Azure did not do what was asked, or did not say."""

    decision = Decision.ERROR

    def __init__(
        self, what: str, *, why: str = "", fix: str = "", status: int = 0, code: str = "", certain: bool = True
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.status = status
        """The HTTP status, or 0 where no answer came."""
        self.code = code
        """Azure's own word for the error."""
        self.certain = certain
        """Whether it is known that the call had no effect. If not, the platform must be asked what it is like now."""


class SignInError(AzureError):
    """Entra refused the sign-in, or there was nothing to sign in with."""

    reason = Reason.AZURE_SIGN_IN


class AzureDeniedError(AzureError):
    """Signed in, and not allowed to do this: a role assignment is missing."""

    reason = Reason.AZURE_DENIED


class AzureRefusedError(AzureError):
    """Azure understood the call and said no."""

    reason = Reason.AZURE_REFUSED


class AzureConflictError(AzureRefusedError):
    """Another operation is at work on the same resource."""

    reason = Reason.AZURE_CONFLICT


class AzureNotFoundError(AzureRefusedError):
    """There is no such resource."""

    reason = Reason.AZURE_NOT_FOUND


class TasksNotAllowedError(AzureRefusedError):
    """The registry's subscription may not run builds in it."""

    reason = Reason.AZURE_TASKS_NOT_ALLOWED


class AzureUnavailableError(AzureError):
    """No usable answer: throttled, a gateway's error, a lost connection."""

    reason = Reason.AZURE_UNAVAILABLE


class OperationFailedError(AzureError):
    """An operation that had been accepted ended badly."""

    reason = Reason.AZURE_OPERATION_FAILED


class OperationTimedOutError(AzureError):
    """An operation did not end in time; it may still."""

    reason = Reason.AZURE_OPERATION_TIMED_OUT


class UntrustedAddressError(AzureError):
    """Azure, somebody in its place, or an image's name says an address that the token must not go to."""

    reason = Reason.AZURE_UNTRUSTED_ADDRESS
