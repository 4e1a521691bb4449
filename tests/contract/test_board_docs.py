"""The table of attacks on the board, and the tests that try them, name each other; so do the settings."""

import re
from pathlib import Path

from lockgate.core.board.entrance import PLAIN, SECRET

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "board.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("<!-- attacks:")[2].partition("\n## ")[0]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith("| attack")]
TRIED = ("tests/integration/board/test_attacks.py", "tests/integration/ledger/test_board_tenants.py")


def test_every_attack_is_tried_and_every_try_is_told():
    """A row without a test would be a promise; a test without a row, a secret."""
    told = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row) for row in ROWS]
    assert all(len(one) == 1 for one in told)
    tests = {
        (path, name)
        for path in TRIED
        for name in re.findall(r"^def (test_\w+)\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {one for row in told for one in row} == tests
    assert len(told) == len(tests)


def test_every_setting_of_signing_in_is_told():
    """The table has each variable that is read, and none that is not."""
    table = PAGE.partition("| variable, after `LOCKGATE_BOARD_`")[2].partition("\n\n")[0]
    told = {name for line in table.splitlines()[2:] for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1])}
    assert told == {*PLAIN, *SECRET}
