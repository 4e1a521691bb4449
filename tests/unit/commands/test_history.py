"""The table of what happened."""

from lockgate.commands.history import rows
from lockgate.core.ledger import Deployment


def test_a_reason_takes_one_line():
    """What a service printed before it ended belongs to its rollout: a list of many has the first line of each."""
    told = {"message": "shop 1.1 ended (exit code 3).\nwhy: the last it printed:\n  | boom", "override": "a hotfix"}
    one = Deployment(
        "1", "local", "aborted", "staging", "shop", "c0ffee", "1.1", "2026-11-28T22:38:25.1+00:00", "me", told
    )
    (row,) = rows([one])
    assert row[0] == "2026-11-28 22:38:25"
    assert row[-1] == "overridden: a hotfix; shop 1.1 ended (exit code 3)."
