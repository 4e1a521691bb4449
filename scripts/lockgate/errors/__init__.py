"""Every failure a person can cause or meet, as a class with its own message and exit code.

    LockgateError
    |- UsageError                    2  the command line is off
    |- ExtraMissingError            78  a part of Lockgate is not installed
    |- ConfigError
    |  |- ConfigMissingError        10  no lockgate.yml
    |  |- ConfigUnreadableError     11  too large, not UTF-8, not YAML, an alias bomb
    |  |- ConfigInvalidError        12  all problems at once, each with file, line, column and path
    |  |- UnknownEnvironmentError   13
    |  `- FileExistsAlreadyError    14  init would overwrite
    |- SamplesUnreadableError       15  a recording for `gate --replay`, with the line
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
    |  |  `- DatabaseStaleError     36  too old to judge by
    |  |- ScanMissingError          37  what is to be deployed was not scanned by its digest
    |  |- VexMalformedError         38
    |  |- ScanRefusedError          30  it adds findings that block
    |  |- BuildFailedError          40
    |  |- BuilderMissingError       41
    |  |- BuildOverBudgetError      42
    |  |- ImageOverBudgetError      43
    |  |- ArtifactMismatchError     44  what arrived is not what was built
    |  |- ArtifactMissingError      45
    |  |- DossierInvalidError       46  what travels with the artifact is about something else
    |  |- ProvenanceMissingError    47  nobody signed for what is to be deployed
    |  |- ProvenanceRefusedError    48  somebody else did
    |  `- ProvenanceUnverifiableError 49
    |- RolloutRefusedError
    |  |- ApprovalDeniedError       53
    |  |- LeaseHeldError            54
    |  |- DriftError                55
    |  |- NothingToRollBackError    56
    |  |- ReleaseRefusedError       57  this digest was rolled back
    |  |- UnfinishedRolloutError    58  recover first
    |  |- LeaseLostError            59
    |  |- FrozenError               67
    |  |- HeldError                 68  a release failed here a moment ago
    |  |- LeaseUnavailableError     75  the ledger cannot give the lease
    |  |- ApprovalUnverifiedError   87  nobody can be shown to have approved
    |  `- NothingToAdoptError       69
    |- TargetError                  50  the platform refused; the subclasses say how a service would not start
    |  |- ServiceNotListeningError  60
    |  |- ServiceExitedError        61
    |  |- ServiceWrongPortError     62
    |  |- PortTakenError            63
    |  `- ProxyMissingError         64
    |- StateError
    |  |- StateNotWritableError     70
    |  |- DiskFullError             71
    |  |- StateDamagedError         77  what a file in it says makes no sense
    |  |- LedgerDamagedError        72
    |  |- LedgerUnavailableError    73
    |  |  `- LedgerSlowError        73  one question took longer than its limit
    |  `- LedgerRefusedError        74  the key is wrong, or the migrations are missing
    |- LedgerAlteredError           76  an event was changed or removed
    |- GitHubError                  85  GitHub could not be asked, or did not answer in time
    |  `- GitHubRefusedError        86  GitHub said no: a permission is missing
    |- NotificationError            89  somebody could not be told; ends no command
    |- AzureError
    |  |- SignInError               90  the message says what Entra wants, and what was presented
    |  |- AzureDeniedError          91  a role assignment is missing
    |  |- AzureRefusedError         92
    |  |  |- AzureConflictError     93  another operation is at work
    |  |  |- AzureNotFoundError     94
    |  |  `- TasksNotAllowedError   84  the registry may not run builds
    |  |- AzureUnavailableError     95  throttled, a gateway's error, a lost connection
    |  |- OperationFailedError      96
    |  |- OperationTimedOutError    97  it may still end
    |  `- UntrustedAddressError     98
    `- InterruptedByUserError      130

Findings of a scan (30), the outcomes `aborted` (50, or its cause's code), `rolled_back` (51) and `broken` (52) are
results, not errors. 99 is a bug in Lockgate.
"""

from lockgate.errors.azure import (
    AzureConflictError,
    AzureDeniedError,
    AzureError,
    AzureNotFoundError,
    AzureRefusedError,
    AzureUnavailableError,
    OperationFailedError,
    OperationTimedOutError,
    SignInError,
    TasksNotAllowedError,
    UntrustedAddressError,
)
from lockgate.errors.base import (
    InterruptedByUserError,
    LockgateError,
    UsageError,
)
from lockgate.errors.config import (
    ConfigError,
    ConfigInvalidError,
    ConfigMissingError,
    ConfigProblem,
    ConfigUnreadableError,
    FileExistsAlreadyError,
    SamplesUnreadableError,
    UnknownEnvironmentError,
)
from lockgate.errors.extras import ExtraMissingError
from lockgate.errors.github import ApprovalUnverifiedError, GitHubError, GitHubRefusedError
from lockgate.errors.ledger import (
    LeaseUnavailableError,
    LedgerAlteredError,
    LedgerRefusedError,
    LedgerSlowError,
    LedgerUnavailableError,
)
from lockgate.errors.notify import NotificationError
from lockgate.errors.rollouts import (
    ApprovalDeniedError,
    DiskFullError,
    DriftError,
    FrozenError,
    HeldError,
    LeaseHeldError,
    LeaseLostError,
    LedgerDamagedError,
    NothingToAdoptError,
    NothingToRollBackError,
    PortTakenError,
    ProxyMissingError,
    ReleaseRefusedError,
    RolloutRefusedError,
    ServiceExitedError,
    ServiceNotListeningError,
    ServiceWrongPortError,
    StateDamagedError,
    StateError,
    StateNotWritableError,
    TargetError,
    UnfinishedRolloutError,
)
from lockgate.errors.stages import (
    ArtifactMismatchError,
    ArtifactMissingError,
    BuilderMissingError,
    BuildFailedError,
    BuildOverBudgetError,
    CommandMissingError,
    CoverageTooLowError,
    DatabaseStaleError,
    DatabaseUnavailableError,
    DossierInvalidError,
    ImageOverBudgetError,
    NoTestsError,
    ProvenanceMissingError,
    ProvenanceRefusedError,
    ProvenanceUnverifiableError,
    ReportMalformedError,
    ReportMissingError,
    ScanMissingError,
    ScannerFailedError,
    ScannerMissingError,
    ScannerUntrustedError,
    ScanRefusedError,
    ScanReportMalformedError,
    StageError,
    TestsFailedError,
    TestsTimedOutError,
    VexMalformedError,
)

__all__ = [
    "ApprovalDeniedError", "ApprovalUnverifiedError", "ArtifactMismatchError", "ArtifactMissingError",
    "AzureConflictError", "AzureDeniedError", "AzureError", "AzureNotFoundError", "AzureRefusedError",
    "AzureUnavailableError", "BuildFailedError", "BuildOverBudgetError", "BuilderMissingError",
    "CommandMissingError", "ConfigError", "ConfigInvalidError", "ConfigMissingError", "ConfigProblem",
    "ConfigUnreadableError", "CoverageTooLowError", "DatabaseStaleError", "DatabaseUnavailableError",
    "DiskFullError", "DossierInvalidError", "DriftError", "ExtraMissingError", "FileExistsAlreadyError",
    "FrozenError", "GitHubError", "GitHubRefusedError", "HeldError", "ImageOverBudgetError",
    "InterruptedByUserError", "LeaseHeldError",
    "LeaseLostError", "LeaseUnavailableError", "LedgerAlteredError", "LedgerDamagedError", "LedgerRefusedError",
    "LedgerSlowError", "LedgerUnavailableError", "LockgateError", "NoTestsError", "NothingToAdoptError",
    "NothingToRollBackError",
    "NotificationError", "OperationFailedError", "OperationTimedOutError", "PortTakenError",
    "ProvenanceMissingError", "ProvenanceRefusedError", "ProvenanceUnverifiableError", "ProxyMissingError",
    "ReleaseRefusedError", "ReportMalformedError", "ReportMissingError", "RolloutRefusedError",
    "SamplesUnreadableError", "ScanMissingError", "ScanRefusedError", "ScanReportMalformedError",
    "ScannerFailedError", "ScannerMissingError", "ScannerUntrustedError", "ServiceExitedError",
    "ServiceNotListeningError", "ServiceWrongPortError", "SignInError", "StageError", "StateDamagedError",
    "StateError", "StateNotWritableError", "TargetError", "TasksNotAllowedError", "TestsFailedError",
    "TestsTimedOutError", "UnfinishedRolloutError", "UnknownEnvironmentError", "UntrustedAddressError",
    "UsageError", "VexMalformedError",
]  # fmt: skip
