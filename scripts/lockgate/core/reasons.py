"""The closed lists of how things end, and the exit code of each ending."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a rollout ended. Never just green or red."""

    DEPLOYED = "deployed"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"
    BROKEN = "broken"


class Decision(StrEnum):
    """How a command ended: a stage passes, fails or could not judge (`error`); a rollout has its outcome."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    DEPLOYED = "deployed"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"
    BROKEN = "broken"


class Reason(StrEnum):
    """Why a command ended so: `reason_code` in every result."""

    OK = "ok"
    INTERNAL = "internal_error"
    USAGE = "usage"
    INTERRUPTED = "interrupted"
    # the config
    CONFIG_MISSING = "config_missing"
    CONFIG_UNREADABLE = "config_unreadable"
    CONFIG_INVALID = "config_invalid"
    UNKNOWN_ENVIRONMENT = "unknown_environment"
    FILE_EXISTS = "file_exists"
    SAMPLES_UNREADABLE = "samples_unreadable"
    # test
    COMMAND_MISSING = "command_missing"
    TESTS_FAILED = "tests_failed"
    TESTS_TIMED_OUT = "tests_timed_out"
    REPORT_MISSING = "report_missing"
    REPORT_MALFORMED = "report_malformed"
    COVERAGE_BELOW_MINIMUM = "coverage_below_minimum"
    NO_TESTS = "no_tests"
    # scan
    FINDINGS = "findings"
    SCANNER_MISSING = "scanner_missing"
    SCANNER_FAILED = "scanner_failed"
    SCAN_REPORT_MALFORMED = "scan_report_malformed"
    SCANNER_UNTRUSTED = "scanner_untrusted"
    DATABASE_UNAVAILABLE = "database_unavailable"
    DATABASE_STALE = "database_stale"
    SCAN_MISSING = "scan_missing"
    VEX_MALFORMED = "vex_malformed"
    # who built it
    PROVENANCE_MISSING = "provenance_missing"
    PROVENANCE_REFUSED = "provenance_refused"
    PROVENANCE_UNVERIFIABLE = "provenance_unverifiable"
    # build
    BUILD_FAILED = "build_failed"
    BUILDER_MISSING = "builder_missing"
    BUILD_OVER_BUDGET = "build_over_budget"
    IMAGE_OVER_BUDGET = "image_over_budget"
    ARTIFACT_MISMATCH = "artifact_mismatch"
    ARTIFACT_MISSING = "artifact_missing"
    DOSSIER_INVALID = "dossier_invalid"
    # the rollout, before it starts
    APPROVAL_DENIED = "approval_denied"
    LEASE_HELD = "lease_held"
    LEASE_LOST = "lease_lost"
    DRIFT = "drift"
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    RELEASE_REFUSED = "release_refused"
    UNFINISHED_ROLLOUT = "unfinished_rollout"
    NOTHING_TO_ADOPT = "nothing_to_adopt"
    FROZEN = "frozen"
    HELD = "held_after_rollback"
    APPROVAL_UNVERIFIED = "approval_unverified"
    # GitHub
    GITHUB_UNAVAILABLE = "github_unavailable"
    GITHUB_REFUSED = "github_refused"
    CHECKS_FAILED = "checks_failed"
    NOTIFICATION_FAILED = "notification_failed"
    # the new revision would not start
    SERVICE_NOT_LISTENING = "service_not_listening"
    SERVICE_EXITED = "service_exited"
    SERVICE_WRONG_PORT = "service_wrong_port"
    PORT_TAKEN = "port_taken"
    PROXY_MISSING = "proxy_missing"
    TARGET_FAILED = "target_failed"
    # what the gate saw
    GATE_ERROR_STATUS = "gate_error_status"
    GATE_WRONG_ANSWER = "gate_wrong_answer"
    GATE_NO_ANSWER = "gate_no_answer"
    GATE_TOO_SLOW = "gate_too_slow"
    GATE_INSECURE_HEADERS = "gate_insecure_headers"
    GATE_CERTIFICATE = "gate_certificate"
    GATE_CLOSED = "gate_connection_closed"
    GATE_COMMAND_FAILED = "gate_command_failed"
    GATE_METRIC = "gate_metric"
    GATE_BAD_SAMPLES = "gate_bad_samples"
    GATE_INCONCLUSIVE = "gate_inconclusive"
    GATE_COULD_NOT_JUDGE = "gate_could_not_judge"
    INTEGRATION_TESTS_FAILED = "integration_tests_failed"
    HOOK_FAILED = "hook_failed"
    DEPLOY_OVER_BUDGET = "deploy_over_budget"
    # how an undoing ended
    SHIFT_FAILED = "shift_failed"
    ROLLBACK_FAILED = "rollback_failed"
    ROLLBACK_REFUSED = "rollback_refused"
    RESTORED_UNHEALTHY = "restored_unhealthy"
    NO_PREVIOUS_RELEASE = "no_previous_release"
    REQUESTED = "requested"
    FLEET_FAILED = "fleet_failed"
    # Azure
    AZURE_SIGN_IN = "azure_sign_in_failed"
    AZURE_DENIED = "azure_denied"
    AZURE_REFUSED = "azure_refused"
    AZURE_CONFLICT = "azure_conflict"
    AZURE_NOT_FOUND = "azure_not_found"
    AZURE_TASKS_NOT_ALLOWED = "azure_tasks_not_allowed"
    AZURE_UNAVAILABLE = "azure_unavailable"
    AZURE_OPERATION_FAILED = "azure_operation_failed"
    AZURE_OPERATION_TIMED_OUT = "azure_operation_timed_out"
    AZURE_UNTRUSTED_ADDRESS = "azure_untrusted_address"
    # this machine
    STATE_NOT_WRITABLE = "state_not_writable"
    DISK_FULL = "disk_full"
    STATE_DAMAGED = "state_damaged"
    EXTRA_MISSING = "extra_missing"
    LEDGER_DAMAGED = "ledger_damaged"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    LEDGER_REFUSED = "ledger_refused"
    LEASE_UNAVAILABLE = "lease_unavailable"
    LEDGER_ALTERED = "ledger_altered"


EXIT_CODES: dict[Reason, int] = {
    Reason.OK: 0,
    Reason.USAGE: 2,
    Reason.CONFIG_MISSING: 10,
    Reason.CONFIG_UNREADABLE: 11,
    Reason.CONFIG_INVALID: 12,
    Reason.UNKNOWN_ENVIRONMENT: 13,
    Reason.FILE_EXISTS: 14,
    Reason.SAMPLES_UNREADABLE: 15,
    Reason.COMMAND_MISSING: 20,
    Reason.TESTS_FAILED: 21,
    Reason.TESTS_TIMED_OUT: 22,
    Reason.REPORT_MISSING: 23,
    Reason.REPORT_MALFORMED: 24,
    Reason.COVERAGE_BELOW_MINIMUM: 25,
    Reason.NO_TESTS: 26,
    Reason.FINDINGS: 30,
    Reason.SCANNER_MISSING: 31,
    Reason.SCANNER_FAILED: 32,
    Reason.SCAN_REPORT_MALFORMED: 33,
    Reason.SCANNER_UNTRUSTED: 34,
    Reason.DATABASE_UNAVAILABLE: 35,
    Reason.DATABASE_STALE: 36,
    Reason.SCAN_MISSING: 37,
    Reason.VEX_MALFORMED: 38,
    Reason.BUILD_FAILED: 40,
    Reason.BUILDER_MISSING: 41,
    Reason.BUILD_OVER_BUDGET: 42,
    Reason.IMAGE_OVER_BUDGET: 43,
    Reason.ARTIFACT_MISMATCH: 44,
    Reason.ARTIFACT_MISSING: 45,
    Reason.DOSSIER_INVALID: 46,
    Reason.PROVENANCE_MISSING: 47,
    Reason.PROVENANCE_REFUSED: 48,
    Reason.PROVENANCE_UNVERIFIABLE: 49,
    Reason.APPROVAL_DENIED: 53,
    Reason.LEASE_HELD: 54,
    Reason.DRIFT: 55,
    Reason.NOTHING_TO_ROLL_BACK: 56,
    Reason.RELEASE_REFUSED: 57,
    Reason.UNFINISHED_ROLLOUT: 58,
    Reason.LEASE_LOST: 59,
    Reason.SERVICE_NOT_LISTENING: 60,
    Reason.SERVICE_EXITED: 61,
    Reason.SERVICE_WRONG_PORT: 62,
    Reason.PORT_TAKEN: 63,
    Reason.PROXY_MISSING: 64,
    Reason.GATE_WRONG_ANSWER: 65,
    Reason.GATE_NO_ANSWER: 66,
    Reason.FROZEN: 67,
    Reason.HELD: 68,
    Reason.NOTHING_TO_ADOPT: 69,
    Reason.STATE_NOT_WRITABLE: 70,
    Reason.DISK_FULL: 71,
    Reason.LEDGER_DAMAGED: 72,
    Reason.LEDGER_UNAVAILABLE: 73,
    Reason.LEDGER_REFUSED: 74,
    Reason.LEASE_UNAVAILABLE: 75,
    Reason.LEDGER_ALTERED: 76,
    Reason.STATE_DAMAGED: 77,
    Reason.EXTRA_MISSING: 78,
    Reason.AZURE_TASKS_NOT_ALLOWED: 84,
    Reason.GITHUB_UNAVAILABLE: 85,
    Reason.GITHUB_REFUSED: 86,
    Reason.APPROVAL_UNVERIFIED: 87,
    Reason.CHECKS_FAILED: 88,
    Reason.NOTIFICATION_FAILED: 89,
    Reason.AZURE_SIGN_IN: 90,
    Reason.AZURE_DENIED: 91,
    Reason.AZURE_REFUSED: 92,
    Reason.AZURE_CONFLICT: 93,
    Reason.AZURE_NOT_FOUND: 94,
    Reason.AZURE_UNAVAILABLE: 95,
    Reason.AZURE_OPERATION_FAILED: 96,
    Reason.AZURE_OPERATION_TIMED_OUT: 97,
    Reason.AZURE_UNTRUSTED_ADDRESS: 98,
    Reason.INTERNAL: 99,
    Reason.INTERRUPTED: 130,
}
"""Exit code of a command that ended for this reason. Reasons not listed end a rollout; see `exit_code`."""

OUTCOME_EXIT_CODES = {Outcome.DEPLOYED: 0, Outcome.ABORTED: 50, Outcome.ROLLED_BACK: 51, Outcome.BROKEN: 52}

GATE_EXIT_CODES: dict[str, int] = {"failed": 80, "error": 81, "inconclusive": 82}
"""Exit code of `lockgate gate` for each verdict that is no pass."""
_NO_FAULT = {Reason.GATE_COULD_NOT_JUDGE: "error", Reason.GATE_INCONCLUSIVE: "inconclusive"}
_OF_A_GATE = {reason: _NO_FAULT.get(reason, "failed") for reason in Reason if reason.value.startswith("gate_")}


def exit_code(decision: Decision, reason: Reason) -> int:
    """Give the process exit code of an ending.

    `rolled_back` and `broken` always have their own code, because what to do next depends on them alone. An aborted
    rollout took no traffic, so its cause matters more: it has the cause's code where there is one, else 50.
    """
    if decision in {Decision.PASSED, Decision.DEPLOYED}:
        return 0
    if decision in {Decision.FAILED, Decision.ERROR} and reason in _OF_A_GATE:
        return GATE_EXIT_CODES[_OF_A_GATE[reason]]
    if decision is Decision.ROLLED_BACK:
        return OUTCOME_EXIT_CODES[Outcome.ROLLED_BACK]
    if decision is Decision.BROKEN:
        return OUTCOME_EXIT_CODES[Outcome.BROKEN]
    fallback = OUTCOME_EXIT_CODES[Outcome.ABORTED] if decision is Decision.ABORTED else EXIT_CODES[Reason.INTERNAL]
    return EXIT_CODES.get(reason, fallback)
