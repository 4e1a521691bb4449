"""What every failure has: its words, its reason, its exit code."""

from lockgate.core.reasons import EXIT_CODES, OUTCOME_EXIT_CODES, Decision, Outcome, Reason


class LockgateError(Exception):
    """A failure to be told to a person: what happened, the likely cause, the fix."""

    reason: Reason = Reason.INTERNAL
    decision: Decision = Decision.ERROR
    """`failed` where something was judged and said no; `error` where nothing could be judged; `aborted` where a
    rollout did not begin or never took traffic."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix

    @property
    def exit_code(self) -> int:
        """The exit code of the process that ends with this error."""
        return EXIT_CODES.get(self.reason, OUTCOME_EXIT_CODES[Outcome.ABORTED])

    def __str__(self) -> str:
        parts = [self.what]
        if self.why:
            parts.append(f"why: {self.why}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        return "\n".join(parts)


class UsageError(LockgateError):
    """The command line is off."""

    reason = Reason.USAGE


class InterruptedByUserError(LockgateError):
    """A signal ended the command at a safe point."""

    reason = Reason.INTERRUPTED
