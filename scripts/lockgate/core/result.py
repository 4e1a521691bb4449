"""What every command ends with: one value, from which exit code, outputs, summary and JSON are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.reasons import Decision, Reason, exit_code


@dataclass(frozen=True, slots=True)
class Seconds:
    """Where a command's time went."""

    total: float = 0.0
    tool: float = 0.0
    """In the user's or a third party's program: tests, Trivy, the builder, the service starting."""
    watching: float = 0.0
    """In gathering evidence, draining, waiting for a person: time that is the point of the stage."""

    @property
    def own(self) -> float:
        """Lockgate's own."""
        return max(0.0, self.total - self.tool - self.watching)


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One promise, and what was measured. `kept` is None where it was not measured."""

    name: str
    limit: float
    measured: float | None
    unit: str
    """`s`, `bytes`, `share`."""
    kept: bool | None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        told = ("name", "limit", "measured", "unit", "kept")
        return {name: getattr(self, name) for name in told}


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended. Its JSON form is schemas/result.schema.json."""

    command: str
    decision: Decision
    reason: Reason
    message: str
    service: str = ""
    environment: str = ""
    version: str = ""
    commit: str = ""
    image: str = ""
    """The artifact, by digest."""
    url: str = ""
    seconds: Seconds = field(default_factory=Seconds)
    budgets: tuple[BudgetLine, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    """What this command alone has to say: test counts, findings, gate evidence."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """What this command alone has beside the fields that every result has; only the schema's `$defs` may."""
    summary: str = ""
    """Markdown for the job summary; not part of the JSON."""

    @property
    def exit_code(self) -> int:
        """The exit code of the process."""
        return exit_code(self.decision, self.reason)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            **self.own,
            "schema": 1,
            "command": self.command,
            "decision": self.decision.value,
            "reason_code": self.reason.value,
            "message": self.message,
            "service": self.service,
            "environment": self.environment,
            "version": self.version,
            "commit": self.commit,
            "image": self.image,
            "url": self.url,
            "seconds": {
                "total": round(self.seconds.total, 3),
                "tool": round(self.seconds.tool, 3),
                "watching": round(self.seconds.watching, 3),
                "own": round(self.seconds.own, 3),
            },
            "budgets": [line.to_dict() for line in self.budgets],
            "data": dict(self.data),
        }
