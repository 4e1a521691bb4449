"""The record of what was done: which one, and how to reach it."""

from dataclasses import dataclass
from enum import StrEnum


class LedgerKind(StrEnum):
    """Where deployments are recorded."""

    SQLITE = "sqlite"
    SUPABASE = "supabase"
    POSTGRES = "postgres"
    GITHUB = "github"


class LeaseRule(StrEnum):
    """Whether a rollout may begin while the ledger cannot give the lease."""

    REQUIRED = "required"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class LedgerConfig:
    """The record of what was done, and how to reach it."""

    kind: LedgerKind = LedgerKind.SQLITE
    url: str = ""
    secret: str = "LOCKGATE_LEDGER_SECRET"  # noqa: S105 - the name of a variable
    """Name of the environment variable that holds the key or the connection string. Never a value."""
    lease: LeaseRule = LeaseRule.REQUIRED
    timeout: float = 5.0
    """Longest wait for one answer, in seconds."""
