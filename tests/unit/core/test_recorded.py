"""What is read from a ledger that others can write to: believed where Lockgate could have written it."""

import copy
import random

import pytest

from lockgate.core.reasons import Outcome
from lockgate.core.recorded import check, check_step
from tests.integration.ledger import lives

BEGUN = lives.started("a", "r1", committed_at="2026-11-01T00:00:00+00:00", merged_at="", kind="deploy")
ENDED = lives.finished(Outcome.DEPLOYED, lives.stands("a"))
STEP = {"revision": "green", "passed": True, "reason_code": "ok", "message": ""}


def test_whatever_lockgate_writes_is_believed():
    """Beginnings, endings and steps of every kind; other events say nothing that is asked for."""
    for entry in lives.history(random.Random(3), 40)[0]:
        check(entry.event.kind, entry.event.data)
    check_step("happened.judged", STEP)
    check("rollout.finished", {**ENDED, "standing": None, "member": "eu"})
    check("analysed.bake", {"anything": [1]})


@pytest.mark.parametrize(
    ("kind", "good", "path", "value"),
    [
        ("rollout.started", BEGUN, "plan", {}),
        ("rollout.started", BEGUN, "plan.release.version", 5),
        ("rollout.started", BEGUN, "plan.release.version", "\ud800"),
        ("rollout.started", BEGUN, "plan.release.artifact", "bundle:shop:latest"),
        ("rollout.started", BEGUN, "plan.release.digest", "sha256:" + "b" * 64),
        ("rollout.started", BEGUN, "plan.steps", [True]),
        ("rollout.started", BEGUN, "plan.steps", []),
        ("rollout.started", BEGUN, "plan.kind", "evil"),
        ("rollout.started", BEGUN, "plan.hold", "yes"),
        ("rollout.started", BEGUN, "plan.baseline", {"revision": "x"}),
        ("rollout.started", BEGUN, "platform", None),
        ("rollout.started", BEGUN, "change", "x"),
        ("rollout.started", BEGUN, "change.committed_at", "yesterday"),
        ("rollout.started", BEGUN, "change.committed_at", "2026-11-01T00:00:00"),
        ("rollout.started", BEGUN, "fleet", {"waves": [[{}]]}),
        ("rollout.finished", ENDED, "outcome", "well"),
        ("rollout.finished", ENDED, "outcome", None),
        ("rollout.finished", ENDED, "message", {"$parts": []}),
        ("rollout.finished", ENDED, "standing", "blue"),
        ("rollout.finished", ENDED, "standing.verified", 1),
        ("rollout.finished", ENDED, "standing.release", []),
        ("happened.judged", STEP, "passed", "true"),
        ("happened.judged", STEP, "reason_code", "no such reason"),
        ("happened.nothing", STEP, "message", ""),
    ],
)
def test_one_wrong_value_is_enough_not_to_be(kind, good, path, value):
    """Of another type, of another meaning, or not there."""
    data = copy.deepcopy(dict(good))
    *holders, name = path.split(".")
    holder = data
    for each in holders:
        holder = holder[each]
    holder[name] = value
    with pytest.raises(ValueError, match=r"."):
        check_step(kind, data)
