"""Tell a person what a rollout does, as it does it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lockgate.adapters.console import Console
from lockgate.core.evidence import words
from lockgate.core.gate_summary import examples
from lockgate.core.reasons import Outcome
from lockgate.core.rollout_model import Effect, EffectKind, Event, EventKind, Kind, Phase, State, Watch
from lockgate.core.samples import GateReport

_WATCHES = {
    Watch.PRE_PROMOTION: "judging the new revision before it takes traffic",
    Watch.STEP: "judging it with {share} % of the traffic",
    Watch.BAKE: "judging it with all of the traffic",
    Watch.RESTORED: "judging the restored release",
}


@dataclass(frozen=True, slots=True)
class Narrator:
    """The engine's listener on a console."""

    console: Console
    environment: str
    reports: Sequence[tuple[Watch, GateReport]]
    """What the gate said so far, the last at the end."""

    def wanted(self, state: State, effect: Effect) -> None:
        """Say what begins."""
        release, baseline = state.plan.release, state.plan.baseline
        match effect.kind:
            case EffectKind.DEPLOY_PREVIEW:
                beside = f" beside {baseline.release.version}" if baseline else ""
                self._step(f"starting {release.version} ({release.artifact.short}){beside}")
            case EffectKind.ANALYSE:
                share = state.plan.steps[state.step]
                self._step(_WATCHES[effect.watch or Watch.BAKE].format(share=share))
            case EffectKind.INTEGRATE:
                self._step("running the integration tests against the new revision")
            case EffectKind.HOOK:
                self._step(f"running the command {effect.moment} promotion")
            case EffectKind.SHIFT if state.phase is Phase.ROLLING_BACK:
                self._step("returning all traffic to the previous release")
            case EffectKind.SHIFT:
                self._step(f"shifting {state.plan.steps[state.step]} % of the traffic to {release.version}")
            case EffectKind.RETIRE:
                self._step("draining and stopping the revision that has no traffic any more")
            case EffectKind.DISCARD:
                self._step("removing the new revision; it never took traffic")

    def happened(self, state: State, event: Event) -> None:
        """Say what came of it."""
        match event.kind:
            case EventKind.PREVIEWED:
                self._good(f"revision {event.revision} listens at {event.message}")
            case EventKind.JUDGED if event.passed:
                self._good(event.message)
            case EventKind.SHIFTED:
                self._good(f"traffic is now {event.message}")
            case EventKind.INTEGRATED | EventKind.HOOKED if event.passed:
                self._good(event.message)
            case EventKind.RETIRED:
                self._good("done")
            case EventKind.JUDGED | EventKind.INTEGRATED | EventKind.HOOKED | EventKind.FAILED | EventKind.STOPPED:
                self.console.bad(f"{self.environment}: {event.message or event.reason}")
                if event.kind is EventKind.JUDGED:
                    self._why()
        if state.phase is Phase.DONE:
            tell = self.console.good if state.outcome is Outcome.DEPLOYED else self.console.bad
            tell(f"{self.environment}: {state.outcome}: {headline(state)}")

    def trouble(self, text: str) -> None:
        """Say something that stops nothing."""
        self.console.warn(f"{self.environment}: {text}")

    def _why(self) -> None:
        """Show what the verdict stands on: the evidence against its limit, and bad answers as they came."""
        _watch, report = self.reports[-1]
        self.console.show(words(one, report.log10_limit) for one in report.indicators)
        for example in examples(report):
            self.console.external(example)

    def _step(self, text: str) -> None:
        self.console.step(f"{self.environment}: {text}")

    def _good(self, text: str) -> None:
        self.console.good(f"{self.environment}: {text}")


def headline(state: State) -> str:  # noqa: PLR0911 - one sentence for each ending
    """One sentence for how a rollout ended."""
    release, baseline = state.plan.release, state.plan.baseline
    match state.outcome:
        case Outcome.DEPLOYED if state.plan.kind is Kind.ADOPT:
            return f"{release.version} serves all traffic, was judged healthy, and is known from now on"
        case Outcome.DEPLOYED if state.plan.kind is Kind.REVIVE:
            return f"{release.version} runs again, serves all traffic and was judged healthy"
        case Outcome.ABORTED if state.plan.kind is Kind.ADOPT:
            return f"{release.version} serves as before and was not taken in: {state.message or state.reason}"
        case Outcome.DEPLOYED:
            text = f"{release.version} serves all traffic and was judged healthy"
            return f"{text} ({state.message})" if state.message else text
        case Outcome.ABORTED:
            return f"{release.version} never took traffic: {state.message or state.reason}"
        case Outcome.ROLLED_BACK:
            old = baseline.release.version if baseline else ""
            return f"{old} serves again and was judged healthy; {release.version} went because {state.message}"
        case _:
            return state.message or state.reason.value
