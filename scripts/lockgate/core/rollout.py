r"""The rollout as a pure state machine: State x Event -> State, with at most one effect wanted at a time.

    previewing -> pre_promotion -> [integrating] -> [migrating] -> shifting <-> step -> bake -> [holding]
             \______________ aborting ________________/               \________ rolling_back ________/  |
                                |                                                 |            [finishing]
                             aborted                                           restored             |
                                                                                |     |        retiring_old
                                                                          broken  retiring_new      |
                                                                                      |          deployed
                                                                                 rolled_back

What serves already is adopted: adopting -> deployed | aborted. What served and has died is revived, at once, because
nobody is served meanwhile: previewing -> reviving -> revived -> retiring_old -> deployed, or broken. What could not be
undone is restored later: that begins with rolling_back.

Nothing here touches the world. The interpreter journals the wanted effect, has it done, journals what happened and asks
`advance` again; so the journal alone gives back the state after a crash.
"""

from dataclasses import replace

from lockgate.core.reasons import Outcome, Reason
from lockgate.core.rollout_model import Effect, EffectKind, Event, EventKind, Kind, Moment, Phase, Plan, State, Watch

_FORWARD_SAFE = {Phase.PREVIEWING, Phase.PRE_PROMOTION, Phase.INTEGRATING, Phase.MIGRATING}
"""No user traffic yet: undoing is dropping the preview."""
_FORWARD_LIVE = {Phase.SHIFTING, Phase.STEP, Phase.BAKE, Phase.HOLDING}
"""Traffic may have moved: undoing is moving it back."""


class OutOfOrderError(ValueError):
    """An event that cannot happen in this state: a bug in the interpreter, or a damaged journal."""


def begin(plan: Plan) -> State:
    """Start a rollout: the first thing wanted is the preview, a look at what is to be adopted, or the traffic back."""
    if plan.kind is Kind.ADOPT:
        return _watch(State(plan, Phase.ADOPTING, preview=plan.about), Phase.ADOPTING, Watch.BAKE)
    if plan.kind is Kind.RESTORE and plan.baseline:
        state = State(plan, Phase.ROLLING_BACK, preview=plan.about, message="an earlier undoing could not be done")
        return replace(state, effect=Effect(EffectKind.SHIFT, weights={plan.baseline.revision: 100}))
    return State(plan, Phase.PREVIEWING, effect=Effect(EffectKind.DEPLOY_PREVIEW))


def advance(state: State, event: Event) -> State:  # noqa: C901, PLR0911, PLR0912 - the table of transitions, whole
    """Give the state after an event; raise OutOfOrderError where the event cannot happen now."""
    if state.phase is Phase.DONE:
        raise OutOfOrderError(f"{event.kind} after the rollout was done")
    if event.kind is EventKind.STOPPED:
        return _stopped(state, event)
    if event.kind is EventKind.FAILED:
        return _failed(state, event)
    if state.plan.kind is not Kind.DEPLOY and (after := _without_baseline(state, event)):
        return after
    match state.phase, event.kind:
        case Phase.PREVIEWING, EventKind.PREVIEWED:
            return _watch(replace(state, preview=event.revision), Phase.PRE_PROMOTION, Watch.PRE_PROMOTION)
        case Phase.PRE_PROMOTION, EventKind.JUDGED:
            return _after_pre_promotion(state, event)
        case Phase.INTEGRATING, EventKind.INTEGRATED:
            return _before_traffic(state) if event.passed else _undo(state, event.reason, event.message)
        case Phase.MIGRATING, EventKind.HOOKED:
            return _shift(state) if event.passed else _undo(state, event.reason, event.message)
        case Phase.SHIFTING, EventKind.SHIFTED:
            if state.plan.steps[state.step] == 100:  # noqa: PLR2004 - percent
                return _watch(state, Phase.BAKE, Watch.BAKE)
            return _watch(state, Phase.STEP, Watch.STEP)
        case Phase.STEP, EventKind.JUDGED:
            if event.passed:
                return _shift(replace(state, step=state.step + 1))
            return _undo(state, event.reason, event.message)
        case Phase.BAKE, EventKind.JUDGED:
            return _after_bake(state) if event.passed else _undo(state, event.reason, event.message)
        case Phase.HOLDING, EventKind.RELEASED:
            return _finish(state)
        case Phase.FINISHING, EventKind.HOOKED:
            return _retire_old(state if event.passed else replace(state, message=event.message))
        case Phase.RETIRING_OLD, EventKind.RETIRED:
            return _done(state, Outcome.DEPLOYED)
        case Phase.ABORTING, EventKind.RETIRED:
            return _without_traffic(state, state.message)
        case Phase.ROLLING_BACK, EventKind.SHIFTED:
            return _watch(state, Phase.RESTORED, Watch.RESTORED)
        case Phase.RESTORED, EventKind.JUDGED:
            if event.passed:
                return _want(state, Phase.RETIRING_NEW, Effect(EffectKind.RETIRE, revision=state.preview))
            message = f"the restored release is not healthy either: {event.message}"
            return _done(state, Outcome.BROKEN, Reason.RESTORED_UNHEALTHY, message)
        case Phase.RETIRING_NEW, EventKind.RETIRED:
            return _done(state, Outcome.ROLLED_BACK)
    raise OutOfOrderError(f"{event.kind} while {state.phase}")


def _without_baseline(state: State, event: Event) -> State | None:
    """Go on with an adoption or a revival; None where it goes as every rollout does."""
    match state.phase, event.kind:
        case Phase.ADOPTING, EventKind.JUDGED:
            return _done(state, Outcome.DEPLOYED if event.passed else Outcome.ABORTED, event.reason, event.message)
        case Phase.PREVIEWING, EventKind.PREVIEWED:
            shift = Effect(EffectKind.SHIFT, weights={event.revision: 100})
            return _want(replace(state, preview=event.revision), Phase.REVIVING, shift)
        case Phase.REVIVING, EventKind.SHIFTED:
            return _watch(state, Phase.REVIVED, Watch.RESTORED)
        case Phase.REVIVED, EventKind.JUDGED:
            if event.passed:
                return _want(state, Phase.RETIRING_OLD, Effect(EffectKind.RETIRE, revision=state.plan.about))
            message = f"it runs again, and is not healthy: {event.message}"
            return _done(state, Outcome.BROKEN, Reason.RESTORED_UNHEALTHY, message)
    return None


def _after_pre_promotion(state: State, event: Event) -> State:
    if not event.passed:
        return _undo(state, event.reason, event.message)
    if state.plan.integrate:
        return _want(state, Phase.INTEGRATING, Effect(EffectKind.INTEGRATE, revision=state.preview))
    return _before_traffic(state)


def _before_traffic(state: State) -> State:
    if Moment.BEFORE in state.plan.hooks:
        return _want(state, Phase.MIGRATING, Effect(EffectKind.HOOK, revision=state.preview, moment=Moment.BEFORE))
    return _shift(state)


def _after_bake(state: State) -> State:
    return replace(state, phase=Phase.HOLDING, effect=None) if state.plan.hold else _finish(state)


def _finish(state: State) -> State:
    if Moment.AFTER in state.plan.hooks:
        return _want(state, Phase.FINISHING, Effect(EffectKind.HOOK, revision=state.preview, moment=Moment.AFTER))
    return _retire_old(state)


def _shift(state: State) -> State:
    """Give the new revision its next share of the traffic, and the rest to the old one."""
    share = state.plan.steps[state.step]
    weights = {state.preview: share}
    if state.plan.baseline and share < 100:  # noqa: PLR2004 - percent
        weights[state.plan.baseline.revision] = 100 - share
    return _want(state, Phase.SHIFTING, Effect(EffectKind.SHIFT, weights=weights))


def _retire_old(state: State) -> State:
    if state.plan.baseline is None:
        return _done(state, Outcome.DEPLOYED)
    return _want(state, Phase.RETIRING_OLD, Effect(EffectKind.RETIRE, revision=state.plan.baseline.revision))


def _undo(state: State, reason: Reason, message: str, *, untouched: bool = False) -> State:
    """Leave the forward path: drop the preview where nobody used it yet, else return the traffic."""
    state = replace(state, reason=reason, message=message)
    if state.phase in _FORWARD_SAFE or untouched:
        return _want(state, Phase.ABORTING, Effect(EffectKind.DISCARD, revision=state.preview))
    baseline = state.plan.baseline
    if baseline is None:
        lost = f"{message}; no verified release is there to return to, so it keeps the traffic"
        return _done(state, Outcome.BROKEN, Reason.NO_PREVIOUS_RELEASE, lost)
    if not state.plan.reversible:
        refused = (
            f"{message}; it is not rolled back by itself, because its migration is declared incompatible with the "
            "release before: go forward with a fix, or undo the migration and run `lockgate rollback`"
        )
        return _done(state, Outcome.BROKEN, Reason.ROLLBACK_REFUSED, refused)
    return _want(state, Phase.ROLLING_BACK, Effect(EffectKind.SHIFT, weights={baseline.revision: 100}))


def _without_traffic(state: State, message: str) -> State:
    """End a rollout whose new revision never served: users have what they had, which after a death is nothing."""
    if state.plan.kind is Kind.REVIVE:
        text = f"it could not be brought up again, and who used it is not served: {message}"
        return _done(state, Outcome.BROKEN, message=text)
    return _done(state, Outcome.ABORTED, message=message)


def _stopped(state: State, event: Event) -> State:
    """Stop on request, on a signal, or because the process died: undo, or go on undoing."""
    if state.phase in _FORWARD_SAFE | _FORWARD_LIVE:
        return _undo(state, event.reason, event.message, untouched=event.untouched)
    if state.phase is Phase.ADOPTING:
        return _done(state, Outcome.ABORTED, event.reason, event.message)
    # What was asked to stop is an undoing already, or only bookkeeping is left: the same effect is wanted again.
    return state


def _failed(state: State, event: Event) -> State:  # noqa: C901, PLR0911 - one ending for each phase
    """Go on after an effect that could not be done."""
    if state.phase in _FORWARD_SAFE | _FORWARD_LIVE:
        return _undo(state, event.reason, event.message, untouched=event.untouched)
    match state.phase:
        case Phase.ADOPTING:
            return _done(state, Outcome.ABORTED, event.reason, event.message)
        case Phase.REVIVING:
            text = f"it was started again, and could not be given the traffic: {event.message}"
            return _done(state, Outcome.BROKEN, Reason.ROLLBACK_FAILED, text)
        case Phase.REVIVED:
            text = f"it runs again, and could not be judged: {event.message}"
            return _done(state, Outcome.BROKEN, Reason.RESTORED_UNHEALTHY, text)
        case Phase.FINISHING:
            return _retire_old(replace(state, message=event.message))
        case Phase.RETIRING_OLD:
            # The new release serves and is verified; an old copy that would not stop does not change that.
            text = f"the old revision could not be retired: {event.message}"
            return _done(state, Outcome.DEPLOYED, message="; ".join(filter(None, [state.message, text])))
        case Phase.ABORTING:
            return _without_traffic(state, f"{state.message}; the preview could not be removed either: {event.message}")
        case Phase.RETIRING_NEW:
            text = f"{state.message}; the failed revision could not be retired: {event.message}"
            return _done(state, Outcome.ROLLED_BACK, state.reason, text)
        case Phase.ROLLING_BACK:
            text = f"{state.message}; and the traffic could not be returned: {event.message}"
            return _done(state, Outcome.BROKEN, Reason.ROLLBACK_FAILED, text)
        case Phase.RESTORED:
            text = f"{state.message}; and the restored release could not be judged: {event.message}"
            return _done(state, Outcome.BROKEN, Reason.RESTORED_UNHEALTHY, text)
    raise OutOfOrderError(f"{event.kind} while {state.phase}")


def _watch(state: State, phase: Phase, watch: Watch) -> State:
    restored = state.plan.baseline.revision if watch is Watch.RESTORED and state.plan.baseline else state.preview
    return _want(state, phase, Effect(EffectKind.ANALYSE, revision=restored, watch=watch))


def _want(state: State, phase: Phase, effect: Effect) -> State:
    return replace(state, phase=phase, effect=effect)


def _done(state: State, outcome: Outcome, reason: Reason | None = None, message: str | None = None) -> State:
    return replace(
        state,
        phase=Phase.DONE,
        effect=None,
        outcome=outcome,
        reason=state.reason if reason is None else reason,
        message=state.message if message is None else message,
    )
