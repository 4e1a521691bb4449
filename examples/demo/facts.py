"""What is known of a run. All times are seconds since its start."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from demo.journal import Entry

STAGES = ("Test", "Scan", "Build", "Scan artifact", "Staging", "Brief", "Production")
"""The jobs of pipeline.yml, in order."""
_ENDED_WELL = {"passed", "deployed"}


@dataclass(slots=True)
class Stage:
    """One job of one run of the workflow."""

    name: str
    began: float
    ended: float = 0.0
    result: Mapping[str, Any] = field(default_factory=dict)
    """Lockgate's result: decision, message, where the seconds went, budgets."""

    @property
    def decision(self) -> str:
        """How it ended."""
        return str(self.result.get("decision", "error"))

    @property
    def good(self) -> bool:
        """Whether the pipeline went on."""
        return self.decision in _ENDED_WELL

    @property
    def budget(self) -> Mapping[str, Any] | None:
        """The promise about its time, if there is one."""
        return next((line for line in self.result.get("budgets", []) if line["name"] in {"build", "deploy"}), None)


@dataclass(slots=True)
class Release:
    """One commit on its way."""

    title: str
    version: str
    commit: str
    began: float
    ended: float = 0.0
    stages: dict[str, Stage] = field(default_factory=dict)
    entries: list[tuple[float, Entry]] = field(default_factory=list)
    """What the ledger says of its rollouts, and when."""

    @property
    def last(self) -> Stage | None:
        """The last stage that it reached."""
        return next((self.stages[name] for name in reversed(STAGES) if name in self.stages), None)

    @property
    def outcome(self) -> str:
        """How it ended: the outcome of the last stage it reached."""
        return self.last.decision if self.last else "error"

    @property
    def reason(self) -> str:
        """Why, from the closed list."""
        return str(self.last.result.get("reason_code", "internal_error")) if self.last else "internal_error"

    @property
    def message(self) -> str:
        """Why, in words."""
        return str(self.last.result.get("message", "")) if self.last else "it never began"

    def told(self, kind: str, environment: str = "production") -> Iterator[tuple[float, Entry]]:
        """Give the ledger's entries of a kind, such as `happened.shifted` or `analysed.`."""
        for at, entry in self.entries:
            if entry.kind.startswith(kind) and entry.environment == environment:
                yield at, entry


@dataclass(slots=True)
class Facts:
    """One run of the demo."""

    releases: list[Release] = field(default_factory=list)
    load: Mapping[str, Any] = field(default_factory=dict)
    """bench.load's report."""
    load_began: float = 0.0
    seconds: float = 0.0

    @property
    def verified(self) -> set[str]:
        """The versions that the gate called healthy."""
        return {release.version for release in self.releases if release.outcome == "deployed"}

    @property
    def bad_by_version(self) -> Mapping[str, int]:
        """Wrong answers, by the release that gave them."""
        return dict(self.load.get("bad_by_version", {}))

    @property
    def lost(self) -> int:
        """Requests without an answer, and wrong answers of a verified release."""
        bad = sum(count for version, count in self.bad_by_version.items() if version in self.verified)
        return int(self.load.get("failed", 0)) + bad
