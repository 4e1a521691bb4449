"""What can go wrong in the stages test, scan and build, and with what they hand on."""

from lockgate.core.reasons import Decision, Reason
from lockgate.errors.base import LockgateError


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


class DatabaseStaleError(DatabaseUnavailableError):
    """The vulnerability database is too old to judge by."""

    reason = Reason.DATABASE_STALE


class ScanMissingError(StageError):
    """What is to be deployed was not scanned by its digest, or too long ago."""

    reason = Reason.SCAN_MISSING


class ScanRefusedError(StageError):
    """What is to be deployed adds findings that block."""

    reason = Reason.FINDINGS
    decision = Decision.FAILED


class VexMalformedError(StageError):
    """An OpenVEX document that the config names cannot be read."""

    reason = Reason.VEX_MALFORMED


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


class DossierInvalidError(StageError):
    """The record that travels with the artifact is not one, or belongs to another release."""

    reason = Reason.DOSSIER_INVALID


class ProvenanceMissingError(StageError):
    """What is to be deployed has no signed attestation, and the config requires one."""

    reason = Reason.PROVENANCE_MISSING


class ProvenanceRefusedError(StageError):
    """Another repository, workflow or commit signed for what is to be deployed, or nobody that is known."""

    reason = Reason.PROVENANCE_REFUSED
    decision = Decision.FAILED


class ProvenanceUnverifiableError(StageError):
    """Who signed for what is to be deployed cannot be found out here."""

    reason = Reason.PROVENANCE_UNVERIFIABLE
