"""The table of a run."""

from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result, Seconds
from lockgate.core.run_summary import HEADER, rows, summary


def _result(command, **more):
    return Result(command, Decision.PASSED, Reason.OK, "done", **more)


def test_each_stage_is_told_from_the_others():
    """The source and what was built are both scanned, several environments deployed to: each row says which it is."""
    stages = [
        _result("scan", data={"artifact": ""}),
        _result("scan", data={"artifact": "bundle:shop@sha256:0"}),
        _result("deploy", environment="staging", seconds=Seconds(9.0, 2.0, 4.0)),
    ]
    found = [dict(zip(HEADER, row, strict=True)) for row in rows(stages)]
    assert [row["stage"] for row in found] == ["scan", "scan artifact", "deploy staging"]
    assert [found[2][name] for name in ("seconds", "tools", "watching", "Lockgate")] == ["9.0", "2.0", "4.0", "3.0"]
    assert "| scan artifact |" in summary(stages)
