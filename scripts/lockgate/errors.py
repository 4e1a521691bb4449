"""Every failure a person can cause or meet, as a class with its own message and exit code.

    LockgateError
    |- UsageError                    2  the command line is off
    |- ConfigError
    |  |- ConfigMissingError        10  no lockgate.yml
    |  |- ConfigUnreadableError     11  too large, not UTF-8, not YAML, an alias bomb
    |  |- ConfigInvalidError        12  all problems at once, each with file, line, column and path
    |  |- UnknownEnvironmentError   13
    |  `- FileExistsAlreadyError    14  init would overwrite
    |- StageError
    |  |- CommandMissingError       20  the command of a stage does not exist
    |  |- TestsFailedError          21
    |  |- TestsTimedOutError        22
    |  |- ReportMissingError        23
    |  |- ReportMalformedError      24
    |  |- CoverageTooLowError       25
    |  |- NoTestsError              26  the command was content and ran no test
    |  |- ScannerMissingError       31
    |  |- ScannerFailedError        32
    |  |- ScanReportMalformedError  33
    |  |- ScannerUntrustedError     34  the scanner is not the pinned one
    |  |- DatabaseUnavailableError  35
    |  |- BuildFailedError          40
    |  |- BuilderMissingError       41
    |  |- BuildOverBudgetError      42
    |  |- ImageOverBudgetError      43
    |  |- ArtifactMismatchError     44  what arrived is not what was built
    |  `- ArtifactMissingError      45
    |- RolloutRefusedError
    |  |- ApprovalDeniedError       53
    |  |- LeaseHeldError            54
    |  |- DriftError                55
    |  |- NothingToRollBackError    56
    |  |- ReleaseRefusedError       57  this digest was rolled back
    |  |- UnfinishedRolloutError    58  recover first
    |  `- LeaseLostError            59
    |- TargetError                  50  the platform refused; the subclasses say how a service would not start
    |  |- ServiceNotListeningError  60
    |  |- ServiceExitedError        61
    |  |- ServiceWrongPortError     62
    |  |- PortTakenError            63
    |  `- ProxyMissingError         64
    |- StateError
    |  |- StateNotWritableError     70
    |  |- DiskFullError             71
    |  `- LedgerDamagedError        72
    `- InterruptedByUserError      130

Findings of a scan (30), the outcomes `aborted` (50, or its cause's code), `rolled_back` (51) and `broken` (52) are
results, not errors. 99 is a bug in Lockgate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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


class ConfigError(LockgateError):
    """Something about lockgate.yml."""


class ConfigMissingError(ConfigError):
    """There is no config where one was expected."""

    reason = Reason.CONFIG_MISSING


class ConfigUnreadableError(ConfigError):
    """The config cannot be parsed at all."""

    reason = Reason.CONFIG_UNREADABLE


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One line of a ConfigInvalidError."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {self.message}"


class ConfigInvalidError(ConfigError):
    """The config parses but says something it may not; the message lists every problem."""

    reason = Reason.CONFIG_INVALID

    def __init__(self, what: str, *, why: str = "", fix: str = "", problems: Sequence[ConfigProblem] = ()) -> None:
        super().__init__(what, why=why, fix=fix)
        self.problems = tuple(problems)


class UnknownEnvironmentError(ConfigError):
    """The environment asked for is not in the config."""

    reason = Reason.UNKNOWN_ENVIRONMENT


class FileExistsAlreadyError(ConfigError):
    """`init` would overwrite a file."""

    reason = Reason.FILE_EXISTS


class StageError(LockgateError):
    """A stage could not do its work, or the work did not pass."""


class CommandMissingError(StageError):
    """A configured command does not exist on this machine."""

    reason = Reason.COMMAND_MISSING


class TestsFailedError(StageError):
    """The test command said no."""

    __test__ = False
    reason = Reason.TESTS_FAILED
    decision = Decision.FAILED


class TestsTimedOutError(StageError):
    """The test command ran past its limit and was ended."""

    __test__ = False
    reason = Reason.TESTS_TIMED_OUT
    decision = Decision.FAILED


class ReportMissingError(StageError):
    """A report that was promised is not there."""

    reason = Reason.REPORT_MISSING


class ReportMalformedError(StageError):
    """A report is there and cannot be read."""

    reason = Reason.REPORT_MALFORMED


class CoverageTooLowError(StageError):
    """Coverage is below its minimum."""

    reason = Reason.COVERAGE_BELOW_MINIMUM
    decision = Decision.FAILED


class NoTestsError(StageError):
    """No test was executed: nothing was judged."""

    reason = Reason.NO_TESTS


class ScannerMissingError(StageError):
    """Trivy is not on this machine."""

    reason = Reason.SCANNER_MISSING


class ScannerFailedError(StageError):
    """Trivy crashed or timed out: nothing was judged."""

    reason = Reason.SCANNER_FAILED


class ScanReportMalformedError(StageError):
    """Trivy printed something that is not its report: nothing was judged."""

    reason = Reason.SCAN_REPORT_MALFORMED


class ScannerUntrustedError(StageError):
    """The Trivy binary is not the pinned one."""

    reason = Reason.SCANNER_UNTRUSTED


class DatabaseUnavailableError(StageError):
    """The vulnerability database is required and cannot be had."""

    reason = Reason.DATABASE_UNAVAILABLE


class BuildFailedError(StageError):
    """The builder said no."""

    reason = Reason.BUILD_FAILED
    decision = Decision.FAILED


class BuilderMissingError(StageError):
    """The builder asked for is not on this machine."""

    reason = Reason.BUILDER_MISSING


class BuildOverBudgetError(StageError):
    """The build took longer than its budget."""

    reason = Reason.BUILD_OVER_BUDGET
    decision = Decision.FAILED


class ImageOverBudgetError(StageError):
    """The image or bundle is larger than its budget."""

    reason = Reason.IMAGE_OVER_BUDGET
    decision = Decision.FAILED


class ArtifactMismatchError(StageError):
    """What arrived does not have the digest of what was built."""

    reason = Reason.ARTIFACT_MISMATCH


class ArtifactMissingError(StageError):
    """The artifact to deploy is not there."""

    reason = Reason.ARTIFACT_MISSING


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


class DiskFullError(StateError):
    """The disk is full."""

    reason = Reason.DISK_FULL


class LedgerDamagedError(StateError):
    """The ledger's file is not a ledger."""

    reason = Reason.LEDGER_DAMAGED


class InterruptedByUserError(LockgateError):
    """A signal ended the command at a safe point."""

    reason = Reason.INTERRUPTED
