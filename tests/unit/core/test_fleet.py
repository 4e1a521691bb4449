"""The fleet's state machine: one version everywhere at the end, or `broken`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.core import fleet as machine
from lockgate.core.fleet import Ending, OutOfStepError, Stage, Wish, begin, commit, ended, held, started, stopped, wish
from lockgate.core.reasons import Outcome, Reason

WAVES = (("eu",), ("us", "asia"))


def shipped(fleet, *names):
    """Members that were started and hold."""
    fleet = started(fleet, *names)
    for name in names:
        fleet = held(fleet, name)
    return fleet


def test_waves_are_shipped_one_after_the_other():
    """The second wave is wanted when all of the first hold, not before."""
    fleet = begin(WAVES)
    assert wish(fleet) == (Wish.SHIP, ("eu",))
    fleet = started(fleet, "eu")
    assert wish(fleet)[0] is Wish.WAIT
    fleet = held(fleet, "eu")
    assert wish(fleet) == (Wish.SHIP, ("us", "asia"))
    fleet = shipped(started(fleet, "us"), "asia")
    assert wish(fleet)[0] is Wish.WAIT
    fleet = held(fleet, "us")
    assert wish(fleet)[0] is Wish.COMMIT
    fleet = commit(fleet)
    assert wish(fleet) == (Wish.RELEASE, ("eu", "us", "asia"))


def test_a_failure_rolls_back_what_holds_and_starts_nothing_more():
    """The reason is the first failing member's, by name."""
    fleet = ended(started(shipped(begin(WAVES), "eu"), "us"), "us", Ending(Outcome.ABORTED, Reason.TARGET_FAILED, "x"))
    assert wish(fleet) == (Wish.UNDO, ("eu",))
    fleet = ended(started(fleet, "eu"), "eu", Ending(Outcome.ROLLED_BACK, Reason.FLEET_FAILED, "us failed"))
    assert wish(fleet)[0] is Wish.NOTHING
    assert fleet.stages["asia"] is Stage.WAITING
    assert machine.verdict(fleet) == Ending(Outcome.ROLLED_BACK, Reason.TARGET_FAILED, "us: x", "us")


def test_a_wish_to_stop_comes_too_late_after_the_commit():
    """A new version that stays is released everywhere."""
    fleet = commit(shipped(begin((("eu",),)), "eu"))
    fleet = stopped(fleet, Ending(None, Reason.INTERRUPTED, "stopped by SIGINT"))
    assert wish(fleet) == (Wish.RELEASE, ("eu",))
    fleet = ended(started(fleet, "eu"), "eu", Ending(Outcome.DEPLOYED))
    assert machine.verdict(fleet).outcome is Outcome.DEPLOYED


def test_a_fleet_that_never_began_is_aborted():
    """A signal before the first start changes nothing anywhere."""
    fleet = stopped(begin(WAVES), Ending(None, Reason.INTERRUPTED, "stopped by SIGINT"))
    assert wish(fleet)[0] is Wish.NOTHING
    assert machine.verdict(fleet) == Ending(Outcome.ABORTED, Reason.INTERRUPTED, "stopped by SIGINT")
    assert machine.verdict(begin(WAVES)).outcome is Outcome.ABORTED


def test_a_member_in_the_queue_was_not_started():
    """It can be taken back, one that holds cannot."""
    fleet = machine.not_started(started(begin(WAVES), "eu"), "eu")
    assert wish(fleet) == (Wish.SHIP, ("eu",))
    with pytest.raises(OutOfStepError, match="eu is holding"):
        machine.not_started(shipped(fleet, "eu"), "eu")
    with pytest.raises(OutOfStepError, match="not every member holds"):
        commit(fleet)


BEFORE = st.sampled_from([None, Outcome.ABORTED, Outcome.ROLLED_BACK, Outcome.BROKEN, "hold", "hold", "hold", "hold"])
UNDONE = st.sampled_from([Outcome.ROLLED_BACK, Outcome.ROLLED_BACK, Outcome.ROLLED_BACK, Outcome.BROKEN, None])
RELEASED = st.sampled_from([Outcome.DEPLOYED, Outcome.DEPLOYED, Outcome.DEPLOYED, None])


def carried_out(draw, name, going, fleet):
    """Let one running member come to an end that the rollout's state machine allows."""
    if going[name] is Wish.SHIP:
        how = draw(BEFORE)
        return held(fleet, name) if how == "hold" else ended(fleet, name, Ending(how, Reason.TARGET_FAILED, "x"))
    return ended(fleet, name, Ending(draw(RELEASED if going[name] is Wish.RELEASE else UNDONE)))


@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_no_fleet_ends_with_two_versions_unless_it_is_broken(data, sizes):
    """Any order of events, faults and stops: it ends, waves keep their order, and nothing is released before all hold."""
    waves = tuple(tuple(f"t{wave}-{n}" for n in range(size)) for wave, size in enumerate(sizes))
    fleet, going = begin(waves), {}
    for _ in range(200):
        if data.draw(st.integers(0, 19)) == 0:
            fleet = stopped(fleet, Ending(None, Reason.INTERRUPTED, "stopped"))
        running = [name for name, stage in fleet.stages.items() if stage is Stage.RUNNING]
        wanted, names = wish(fleet)
        if wanted is Wish.NOTHING:
            break
        if wanted is Wish.COMMIT:
            assert set(fleet.stages.values()) == {Stage.HOLDING}
            fleet = commit(fleet)
        elif wanted is Wish.WAIT or (running and data.draw(st.booleans())):
            fleet = carried_out(data.draw, data.draw(st.sampled_from(running)), going, fleet)
        else:
            assert wanted is not Wish.SHIP or fleet.cause is None
            assert wanted is not Wish.RELEASE or fleet.committed
            for earlier in waves[: next(i for i, wave in enumerate(waves) if names[0] in wave)]:
                assert wanted is not Wish.SHIP or all(fleet.stages[name] is Stage.HOLDING for name in earlier)
            fleet = started(fleet, *names)
            going |= dict.fromkeys(names, wanted)
    assert wish(fleet)[0] is Wish.NOTHING
    assert not (fleet.committed and fleet.cause)
    verdict = machine.verdict(fleet)
    new = {name for name, ending in fleet.endings.items() if ending.outcome in {Outcome.DEPLOYED, Outcome.BROKEN, None}}
    if verdict.outcome is Outcome.DEPLOYED:
        assert new == set(fleet.stages)
    elif verdict.outcome is not Outcome.BROKEN:
        assert not new
