"""What can go wrong between Lockgate and GitHub."""

from lockgate.core.reasons import Reason
from lockgate.errors.base import LockgateError
from lockgate.errors.rollouts import RolloutRefusedError


class GitHubError(LockgateError):
    """GitHub could not be asked, or did not answer in time."""

    reason = Reason.GITHUB_UNAVAILABLE


class GitHubRefusedError(GitHubError):
    """GitHub answered, and said no: a permission is missing, or what was asked for is not there."""

    reason = Reason.GITHUB_REFUSED

    def __init__(self, what: str, *, status: int = 0, why: str = "", fix: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.status = status
        """The HTTP status of the answer."""


class ApprovalUnverifiedError(RolloutRefusedError):
    """Nobody can be shown to have approved: the rules that ask for it are missing, or cannot be read."""

    reason = Reason.APPROVAL_UNVERIFIED
