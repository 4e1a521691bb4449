"""What `lockgate doctor` found: checks by area, each good, bad, or not to be judged from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lockgate.core import markdown

_MARKS = {True: "✓", False: "✗", None: "?"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist."""

    area: str
    """Such as `github production`."""
    ok: bool | None
    """None: it could not be judged, and counts neither as good nor as bad."""
    text: str
    fix: str = ""

    @property
    def mark(self) -> str:
        """The sign in front."""
        return _MARKS[self.ok]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"area": self.area, "ok": self.ok, "text": self.text, "fix": self.fix}


def counts(checks: Sequence[Check]) -> str:
    """Say how it went, in a line."""
    good, bad, unknown = (sum(check.ok is value for check in checks) for value in (True, False, None))
    return f"{good} good, {bad} to be put right, {unknown} that could not be judged from here"


def page(checks: Sequence[Check]) -> str:
    """Give the Markdown of the job summary."""
    rows = [
        [check.mark, markdown.escape(check.area), markdown.escape(check.text), "" if check.ok else _fix(check)]
        for check in checks
    ]
    return f"### lockgate doctor: {counts(checks)}\n\n{markdown.table(['', 'area', 'found', 'what to do'], rows)}\n"


def _fix(check: Check) -> str:
    return markdown.escape(check.fix)
