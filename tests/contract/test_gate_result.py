"""The JSON of `lockgate gate` is the result of every command with four fields beside; no other command has them."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lockgate.core.gate import Gate
from lockgate.core.reasons import EXIT_CODES, GATE_EXIT_CODES, OUTCOME_EXIT_CODES, Decision, Reason, exit_code
from lockgate.core.result import Result
from lockgate.core.samples import GateSpec, Objective, Role, Sample, Verdict

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "result.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def result(command="gate", **changes):
    gate = Gate(GateSpec((Objective("a", 0.01, 0.05),), 0.01, 60.0, 20, 2.0, early_pass=False, compare=False))
    gate.add(Sample(0.0, Role.CANDIDATE, "a", good=False, detail="500"))
    own = {"verdict": "inconclusive", "reached_at": 1.0, "indicators": gate.so_far(1.0).to_dict()["indicators"]}
    return Result(command, Decision.ERROR, Reason.GATE_INCONCLUSIVE, "x", own={**own, **changes}).to_dict()


def problems(document):
    return list(VALIDATOR.iter_errors(document))


def test_a_verdict_is_what_its_schema_says():
    """Each field of an indicator is described, and the schema knows every verdict."""
    whole = result()
    assert problems(whole) == []
    assert problems(result(reached_at=None)) == []
    indicator = SCHEMA["$defs"]["indicator"]
    assert set(whole["indicators"][0]) == set(indicator["properties"]) == set(indicator["required"])
    assert SCHEMA["$defs"]["gate"]["properties"]["verdict"]["enum"] == [verdict.value for verdict in Verdict]


def test_nothing_else_fits():
    """Another command has no verdict, a gate no other field, and no part of one."""
    assert problems(result("deploy"))
    assert problems(result(verdict="fine"))
    assert problems(result(another=1))
    part = result()
    del part["reached_at"]
    assert problems(part)
    assert problems(Result("gate", Decision.ERROR, Reason.USAGE, "x").to_dict()) == []


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.value.startswith("gate_")])
def test_each_verdict_has_an_exit_code_of_its_own(reason):
    """A script can tell a failure from what could not be judged; a rollout keeps the code of its outcome."""
    inconclusive, error = reason is Reason.GATE_INCONCLUSIVE, reason is Reason.GATE_COULD_NOT_JUDGE
    verdict = "inconclusive" if inconclusive else "error" if error else "failed"
    decision = Decision.FAILED if verdict == "failed" else Decision.ERROR
    assert exit_code(decision, reason) == GATE_EXIT_CODES[verdict]
    assert exit_code(Decision.ABORTED, reason) in {50, 65, 66}
    assert exit_code(Decision.ROLLED_BACK, reason) == 51


def test_no_other_ending_has_a_verdicts_code():
    """Four verdicts, four codes, and they mean nothing else."""
    others = {*EXIT_CODES.values(), *OUTCOME_EXIT_CODES.values()} - {0}
    assert len({0, *GATE_EXIT_CODES.values()} - others) == 4
