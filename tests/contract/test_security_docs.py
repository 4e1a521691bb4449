"""The threat model and the tests name each other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("<!-- invariants:")[2].partition("\n## ")[0]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith("| invariant")]


def test_every_invariant_is_held_by_tests_that_are_there():
    """A row without a test would be a promise; a test that was renamed is noticed here."""
    assert len(ROWS) > 15
    for row in ROWS:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)
        assert named, row
        for path, test in named:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^(?:async )?def {test}\(", text, re.MULTILINE), f"{path}::{test}"


def test_every_way_in_that_is_hostile_has_a_line():
    """What an attacker may write is named: each place that text comes from, and each file that is unpacked."""
    for place in (
        "config", "test prints", "commit message", "branch", "file", "Trivy's report", "HTTP body", "registry", "`lockgate/`",
        "`UV_*`", "symlinks", "tar", "service", "token", "secret",
    ):  # fmt: skip
        assert place in TABLE, place
