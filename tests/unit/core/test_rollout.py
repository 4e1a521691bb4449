"""The state machine: every path by name, and arbitrary paths by hypothesis."""

import dataclasses

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lockgate.core.reasons import Outcome, Reason
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout import OutOfOrderError, advance, begin
from lockgate.core.rollout_model import (
    Effect,
    EffectKind,
    Event,
    EventKind,
    Kind,
    Moment,
    Phase,
    Plan,
    Standing,
    Watch,
)

OLD = Release("shop", "1", "a" * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + "a" * 64))
NEW = Release("shop", "2", "b" * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + "b" * 64))
BASE = Standing("blue-1", OLD, verified=True)


def plan(**changes):
    return dataclasses.replace(
        Plan("r1", "production", NEW, BASE, (10, 50, 100), integrate=False, actor="me", approval=""), **changes
    )


def previewed():
    return Event(EventKind.PREVIEWED, revision="green-2")


def judged(*, passed):
    reason = Reason.OK if passed else Reason.GATE_ERROR_STATUS
    return Event(EventKind.JUDGED, passed=passed, reason=reason, message="" if passed else "5 bad of 9")


SHIFTED = Event(EventKind.SHIFTED)
RETIRED = Event(EventKind.RETIRED)
FAILED = Event(EventKind.FAILED, reason=Reason.TARGET_FAILED, message="the platform said no")
STOPPED = Event(EventKind.STOPPED, reason=Reason.INTERRUPTED, message="stopped by SIGINT")


def follow(the_plan, *events):
    state = begin(the_plan)
    for event in events:
        state = advance(state, event)
    return state


GOOD = judged(passed=True)
BAD = judged(passed=False)
TO_BAKE = (previewed(), GOOD, SHIFTED, GOOD, SHIFTED, GOOD, SHIFTED)


def test_a_good_release_is_deployed_step_by_step():
    """Preview, judge, 10, judge, 50, judge, 100, bake, retire the old one: deployed."""
    assert follow(plan(), previewed(), GOOD).effect == Effect(EffectKind.SHIFT, weights={"green-2": 10, "blue-1": 90})
    assert follow(plan(), *TO_BAKE[:-1]).effect.weights == {"green-2": 100}
    state = follow(plan(), *TO_BAKE, GOOD)
    assert state.effect == Effect(EffectKind.RETIRE, revision="blue-1")
    done = advance(state, RETIRED)
    assert (done.outcome, done.reason, done.effect) == (Outcome.DEPLOYED, Reason.OK, None)
    assert done.standing() == Standing("green-2", NEW, verified=True)


@pytest.mark.parametrize("events", [(BAD,), (STOPPED,), (FAILED,)])
def test_before_any_traffic_a_failure_aborts(events):
    """The preview is dropped, the old release never stopped serving."""
    state = follow(plan(), previewed(), *events)
    assert state.effect.kind is EffectKind.DISCARD
    done = advance(state, RETIRED)
    assert done.outcome is Outcome.ABORTED
    assert done.reason is events[-1].reason
    assert done.standing() == BASE


@pytest.mark.parametrize("at", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("event", [BAD, STOPPED, FAILED])
def test_after_the_first_shift_a_failure_returns_all_traffic(at, event):
    """Whatever goes wrong, and when, all traffic goes to the verified release, which is then judged."""
    state = follow(plan(), *TO_BAKE[:at])
    if event is BAD and state.effect.kind is not EffectKind.ANALYSE:
        return
    state = advance(state, event)
    assert state.effect == Effect(EffectKind.SHIFT, weights={"blue-1": 100})
    restored = advance(advance(state, SHIFTED), GOOD)
    assert restored.effect == Effect(EffectKind.RETIRE, revision="green-2")
    done = advance(restored, RETIRED)
    assert (done.outcome, done.reason) == (Outcome.ROLLED_BACK, event.reason)
    assert done.standing() == BASE


def test_a_restored_release_that_is_bad_too_is_broken():
    """The rollback happened, and its result is not called good."""
    done = follow(plan(), *TO_BAKE, BAD, SHIFTED, BAD)
    assert (done.outcome, done.reason) == (Outcome.BROKEN, Reason.RESTORED_UNHEALTHY)
    assert done.standing() == dataclasses.replace(BASE, verified=False)


def test_a_rollback_that_cannot_be_done_is_broken():
    """The traffic is still with the new release, and the record says so."""
    done = follow(plan(), *TO_BAKE, BAD, FAILED)
    assert (done.outcome, done.reason) == (Outcome.BROKEN, Reason.ROLLBACK_FAILED)
    assert done.standing() == Standing("green-2", NEW, verified=False)


def test_a_restored_release_that_cannot_be_judged_is_broken():
    """Could not judge is not good."""
    assert follow(plan(), *TO_BAKE, BAD, SHIFTED, FAILED).outcome is Outcome.BROKEN


def test_a_first_release_that_fails_late_is_broken():
    """There is nothing to go back to, and nobody pretends there is."""
    first = plan(baseline=None, steps=(100,))
    done = follow(first, previewed(), GOOD, SHIFTED, BAD)
    assert (done.outcome, done.reason) == (Outcome.BROKEN, Reason.NO_PREVIOUS_RELEASE)
    assert done.standing() == Standing("green-2", NEW, verified=False)


def test_a_first_release_that_fails_early_leaves_nothing():
    """Aborted, with nothing standing."""
    done = follow(plan(baseline=None, steps=(100,)), previewed(), BAD, RETIRED)
    assert done.outcome is Outcome.ABORTED
    assert done.standing() is None


def test_a_first_release_is_deployed_without_retiring_anything():
    """There is no old revision to stop."""
    assert follow(plan(baseline=None, steps=(100,)), previewed(), GOOD, SHIFTED, GOOD).outcome is Outcome.DEPLOYED


def test_integration_tests_run_before_the_first_traffic():
    """They see the preview; failing, they abort."""
    state = follow(plan(integrate=True), previewed(), GOOD)
    assert state.effect == Effect(EffectKind.INTEGRATE, revision="green-2")
    assert advance(state, Event(EventKind.INTEGRATED, passed=True)).effect.kind is EffectKind.SHIFT
    failed = Event(EventKind.INTEGRATED, reason=Reason.INTEGRATION_TESTS_FAILED, message="3 failed")
    assert advance(state, failed).phase is Phase.ABORTING


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((*TO_BAKE, GOOD, FAILED), Outcome.DEPLOYED),
        ((previewed(), BAD, FAILED), Outcome.ABORTED),
        ((*TO_BAKE, BAD, SHIFTED, GOOD, FAILED), Outcome.ROLLED_BACK),
    ],
)
def test_tidying_up_that_fails_does_not_change_the_outcome(events, outcome):
    """A revision that would not stop is said in the message; who serves is what counts."""
    done = follow(plan(), *events)
    assert done.outcome is outcome
    assert "the platform said no" in done.message


@pytest.mark.parametrize("events", [(*TO_BAKE, GOOD), (*TO_BAKE, BAD), (*TO_BAKE, BAD, SHIFTED), (previewed(), BAD)])
def test_an_undoing_is_not_stopped_but_taken_up_again(events):
    """After a crash in the middle of undoing, or of mere bookkeeping, the same effect is wanted again."""
    state = follow(plan(), *events)
    assert advance(state, STOPPED) == state


BOTH = frozenset(Moment)
HOOKED = Event(EventKind.HOOKED, passed=True)
HOOK_FAILED = Event(EventKind.HOOKED, reason=Reason.HOOK_FAILED, message="the migration ended with code 1")
RELEASED = Event(EventKind.RELEASED)


def test_hooks_run_before_the_first_traffic_and_after_the_bake():
    """One between judging and shifting, one between the bake and the old revision's end."""
    hooked = plan(hooks=BOTH)
    before = follow(hooked, previewed(), GOOD)
    assert before.effect == Effect(EffectKind.HOOK, revision="green-2", moment=Moment.BEFORE)
    rest = (HOOKED, *TO_BAKE[2:])
    after = follow(hooked, previewed(), GOOD, *rest, GOOD)
    assert after.effect == Effect(EffectKind.HOOK, revision="green-2", moment=Moment.AFTER)
    assert follow(hooked, previewed(), GOOD, *rest, GOOD, HOOKED, RETIRED).outcome is Outcome.DEPLOYED


def test_a_failed_hook_before_promotion_aborts():
    """No traffic was shifted, so nothing has to come back."""
    done = follow(plan(hooks=BOTH), previewed(), GOOD, HOOK_FAILED, RETIRED)
    assert (done.outcome, done.reason) == (Outcome.ABORTED, Reason.HOOK_FAILED)


@pytest.mark.parametrize("event", [HOOK_FAILED, FAILED])
def test_a_failed_hook_after_promotion_is_said_and_changes_nothing(event):
    """The new release serves and was judged healthy."""
    done = follow(plan(hooks={Moment.AFTER}), *TO_BAKE, GOOD, event, RETIRED)
    assert done.outcome is Outcome.DEPLOYED
    assert event.message in done.message


@pytest.mark.parametrize("at", [3, 5, 7])
def test_an_incompatible_migration_is_not_rolled_back(at):
    """Once traffic moved, going back would put the old release on a database it does not know."""
    done = follow(plan(reversible=False), *TO_BAKE[:at], STOPPED)
    assert (done.outcome, done.reason) == (Outcome.BROKEN, Reason.ROLLBACK_REFUSED)
    assert "incompatible" in done.message
    assert done.standing().revision == ("green-2" if at == 7 else "blue-1")
    assert not done.standing().verified or at != 7
    assert follow(plan(reversible=False), previewed(), BAD).phase is Phase.ABORTING


def test_a_held_rollout_waits_and_can_still_go_back():
    """After the bake it wants nothing until told: released it is deployed, stopped it goes back."""
    held = follow(plan(hold=True), *TO_BAKE, GOOD)
    assert (held.phase, held.effect) == (Phase.HOLDING, None)
    assert follow(plan(hold=True), *TO_BAKE, GOOD, RELEASED, RETIRED).outcome is Outcome.DEPLOYED
    assert advance(held, STOPPED).effect == Effect(EffectKind.SHIFT, weights={"blue-1": 100})


def test_events_out_of_order_are_refused():
    """A journal that makes no sense is not guessed at."""
    with pytest.raises(OutOfOrderError):
        follow(plan(), SHIFTED)
    with pytest.raises(OutOfOrderError):
        advance(follow(plan(), previewed(), BAD, RETIRED), RETIRED)


def test_plans_and_events_survive_the_journal():
    """What is read back is what was written."""
    for the_plan in (plan(), plan(baseline=None), plan(hooks=BOTH, reversible=False, hold=True)):
        assert Plan.from_dict(the_plan.to_dict()) == the_plan
    for event in (previewed(), BAD, STOPPED):
        assert Event.from_dict(event.kind.value, event.to_dict()) == event


class AnyWorld(RuleBasedStateMachine):
    """The world answers each effect as it likes, and interrupts when it likes."""

    def __init__(self):
        super().__init__()
        self.state = begin(plan(integrate=True, hooks=BOTH))
        self.passed = set()
        self.traffic = {"blue-1": 100}
        self.rollbacks = 0
        self.steps = 0

    @precondition(lambda self: self.state.effect is not None)
    @rule(ok=st.booleans())
    def effect_is_done_or_fails(self, ok):
        effect = self.state.effect
        self.steps += 1
        match effect.kind:
            case EffectKind.DEPLOY_PREVIEW:
                event = previewed() if ok else FAILED
            case EffectKind.ANALYSE:
                event = judged(passed=ok)
                if ok:
                    self.passed.add(effect.revision)
            case EffectKind.INTEGRATE:
                event = Event(EventKind.INTEGRATED, passed=ok, reason=Reason.INTEGRATION_TESTS_FAILED)
            case EffectKind.HOOK:
                event = HOOKED if ok else HOOK_FAILED
            case EffectKind.SHIFT:
                if effect.weights == {"blue-1": 100}:
                    self.rollbacks += 1
                if ok:
                    self.traffic = dict(effect.weights)
                event = SHIFTED if ok else FAILED
            case _:
                assert self.traffic.get(effect.revision, 0) == 0, "only a revision without traffic is retired"
                event = RETIRED if ok else FAILED
        self.state = advance(self.state, event)

    @precondition(lambda self: self.state.effect is not None)
    @rule()
    def somebody_stops_it(self):
        self.state = advance(self.state, STOPPED)

    @precondition(lambda self: self.state.effect is None)
    @rule(event=st.sampled_from([GOOD, BAD, STOPPED, FAILED, SHIFTED, RETIRED]))
    def nothing_happens_after_the_end(self, event):
        with pytest.raises(OutOfOrderError):
            advance(self.state, event)

    @invariant()
    def nothing_that_did_not_pass_gets_traffic(self):
        assert all(revision in self.passed | {"blue-1"} for revision, share in self.traffic.items() if share)

    @invariant()
    def traffic_always_adds_up(self):
        assert sum(self.traffic.values()) == 100

    @invariant()
    def it_goes_back_once_and_ends(self):
        # A stop while going back wants the same effect again; that is the one rollback taken up, not a second one.
        assert self.steps <= 24

    @invariant()
    def an_outcome_says_who_serves(self):
        standing = self.state.standing() if self.state.phase is Phase.DONE else None
        if standing is not None and self.state.outcome in {Outcome.DEPLOYED, Outcome.ABORTED, Outcome.ROLLED_BACK}:
            assert self.traffic == {standing.revision: 100}


AnyWorld.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestAnyWorld = AnyWorld.TestCase


def adoption():
    return plan(baseline=None, steps=(100,), kind=Kind.ADOPT, about="blue-1")


def test_an_adoption_only_looks():
    """It bakes what serves, and ends with it known, or with nothing known; no effect changes anything."""
    state = begin(adoption())
    assert state.effect == Effect(EffectKind.ANALYSE, revision="blue-1", watch=Watch.BAKE)
    done = advance(state, GOOD)
    assert (done.outcome, done.standing()) == (Outcome.DEPLOYED, Standing("blue-1", NEW, verified=True))
    for event in (BAD, STOPPED, FAILED):
        done = advance(state, event)
        assert (done.outcome, done.reason, done.standing()) == (Outcome.ABORTED, event.reason, None)


def revival():
    return plan(baseline=None, steps=(100,), kind=Kind.REVIVE, about="blue-dead")


def test_what_died_gets_its_traffic_back_before_it_is_judged():
    """Nobody is served meanwhile, and it was verified before; then the dead revision is cleared away."""
    state = follow(revival(), previewed())
    assert state.effect == Effect(EffectKind.SHIFT, weights={"green-2": 100})
    state = advance(state, SHIFTED)
    assert state.effect == Effect(EffectKind.ANALYSE, revision="green-2", watch=Watch.RESTORED)
    state = advance(state, GOOD)
    assert state.effect == Effect(EffectKind.RETIRE, revision="blue-dead")
    done = advance(state, RETIRED)
    assert (done.outcome, done.standing()) == (Outcome.DEPLOYED, Standing("green-2", NEW, verified=True))


@pytest.mark.parametrize(
    ("events", "outcome", "reason"),
    [
        ((FAILED, RETIRED), Outcome.BROKEN, Reason.TARGET_FAILED),
        ((STOPPED, FAILED), Outcome.BROKEN, STOPPED.reason),
        ((previewed(), FAILED), Outcome.BROKEN, Reason.ROLLBACK_FAILED),
        ((previewed(), SHIFTED, BAD), Outcome.BROKEN, Reason.RESTORED_UNHEALTHY),
        ((previewed(), SHIFTED, FAILED), Outcome.BROKEN, Reason.RESTORED_UNHEALTHY),
        ((previewed(), STOPPED, SHIFTED, STOPPED, GOOD, RETIRED), Outcome.DEPLOYED, Reason.OK),
    ],
)
def test_a_revival_goes_on_through_a_crash_and_says_where_it_failed(events, outcome, reason):
    """Once it has the traffic there is no other way back, so being stopped makes it go on."""
    done = follow(revival(), *events)
    assert (done.outcome, done.reason) == (outcome, reason)


def test_a_revival_that_could_not_start_changes_nothing_of_what_should_serve():
    """What was verified stays what the ledger takes for standing, so it is tried again."""
    assert follow(revival(), FAILED, RETIRED).standing() is None


@pytest.mark.parametrize("event", [FAILED, STOPPED])
@pytest.mark.parametrize("details", [{}, {"reversible": False}, {"baseline": None}])
def test_a_first_shift_that_certainly_did_nothing_is_undone_without_touching_the_traffic(event, details):
    """Users have what they had, verified as it was: the preview goes, and nothing else is said to have happened."""
    planned = plan(**details)
    state = follow(planned, previewed(), GOOD)
    assert state.phase is Phase.SHIFTING
    state = advance(state, dataclasses.replace(event, untouched=True))
    assert state.effect == Effect(EffectKind.DISCARD, revision="green-2")
    done = advance(state, RETIRED)
    assert (done.outcome, done.reason, done.standing()) == (Outcome.ABORTED, event.reason, planned.baseline)


def test_that_it_did_nothing_is_in_the_journal():
    """A recovery must come to the same end."""
    told = dataclasses.replace(FAILED, untouched=True)
    assert Event.from_dict(told.kind, told.to_dict()) == told
    assert Event.from_dict(FAILED.kind, FAILED.to_dict()) == FAILED


@pytest.mark.parametrize("make", [plan, adoption, revival])
def test_a_plan_comes_back_from_the_journal(make):
    """What was planned is what is recovered."""
    made = dataclasses.replace(make(), override="the fix for the outage")
    assert Plan.from_dict(made.to_dict()) == made


def test_what_could_not_be_undone_is_undone_later():
    """The traffic first, then the proof that the restored release is healthy, then the one that failed goes."""
    state = begin(plan(steps=(100,), kind=Kind.RESTORE, about="green-2"))
    assert state.effect == Effect(EffectKind.SHIFT, weights={"blue-1": 100})
    state = advance(state, Event(EventKind.SHIFTED))
    assert state.effect == Effect(EffectKind.ANALYSE, revision="blue-1", watch=Watch.RESTORED)
    state = advance(state, Event(EventKind.JUDGED, passed=True))
    assert state.effect == Effect(EffectKind.RETIRE, revision="green-2")
    state = advance(state, Event(EventKind.RETIRED))
    assert (state.outcome, state.standing()) == (Outcome.ROLLED_BACK, BASE)


def test_what_cannot_be_undone_later_either_is_broken_as_before():
    """And what serves then is as unknown as before."""
    state = advance(
        begin(plan(steps=(100,), kind=Kind.RESTORE, about="green-2")), Event(EventKind.FAILED, message="no")
    )
    assert (state.outcome, state.reason) == (Outcome.BROKEN, Reason.ROLLBACK_FAILED)
    assert state.standing() == Standing("green-2", NEW, verified=False)


def reached(start):
    """Give every state that any events lead to."""
    happens = (previewed(), GOOD, BAD, SHIFTED, RETIRED, FAILED, STOPPED, Event(EventKind.RELEASED, passed=True))
    happens += tuple(
        Event(kind, passed=passed) for kind in (EventKind.INTEGRATED, EventKind.HOOKED) for passed in (True, False)
    )
    found, left = [start], [start]
    while left:
        state = left.pop()
        for event in happens:
            try:
                after = advance(state, event)
            except OutOfOrderError:
                continue
            if after not in found:
                found.append(after)
                left.append(after)
    return found


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("baseline", [BASE, None])
def test_what_is_taken_up_brings_no_release_to_the_platform(kind, baseline):
    """Whatever a ledger holds for a plan and for what happened: `recover` begins by stopping it."""
    forged = plan(kind=kind, baseline=baseline, integrate=True, hooks=frozenset(Moment), hold=True, about="blue-1")
    cut_off = [state for state in reached(begin(forged)) if state.phase is not Phase.DONE]
    taken_up = [after for state in cut_off for after in reached(advance(state, STOPPED))]
    assert Phase.DONE in {state.phase for state in taken_up}
    assert not [state for state in taken_up if state.effect and state.effect.kind is EffectKind.DEPLOY_PREVIEW]
