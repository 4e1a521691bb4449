"""What is told of a rollout beside the ledger: its trace, and a mark on the charts. It never stops one."""

from dataclasses import dataclass, field

from lockgate.adapters.tracing import Tracer, send
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig
from lockgate.core.rollout_model import Effect, Event, EventKind, Phase, State
from lockgate.core.trace import describe
from lockgate.errors import LockgateError

_SECONDS = 5.0


@dataclass(slots=True)
class Telemetry:
    """An engine's listener. Annotations go at once, the trace at the end, in `flush`."""

    project: Project
    environment: EnvironmentConfig
    tracer: Tracer = field(init=False)

    def __post_init__(self) -> None:
        """Trace for whoever is asked; record only where somebody gets it."""
        self.tracer = Tracer(sampled=bool(self.project.config.telemetry.otlp))

    def wanted(self, state: State, effect: Effect) -> None:
        """Open a span."""
        self.tracer.wanted(state, effect)

    def happened(self, state: State, event: Event) -> None:
        """Close it; mark a promotion and a rollback."""
        self.tracer.happened(state, event)
        if event.kind is EventKind.SHIFTED and state.phase is Phase.BAKE:
            self._mark(state, f"{state.plan.release.version} promoted")
        elif state.phase is Phase.DONE and state.outcome in {"rolled_back", "broken"}:
            self._mark(state, f"{state.plan.release.version} {str(state.outcome).replace('_', ' ')}")

    def trouble(self, text: str) -> None:
        """It is in the log."""

    def flush(self) -> None:
        """Send the trace; where that fails it is said, and nothing else happens."""
        spans, self.tracer.spans = self.tracer.spans, []
        otlp = self.project.config.telemetry.otlp
        if not spans or not otlp:
            return
        try:
            sent = send(spans, otlp, self.project.config.service, seconds=_SECONDS)
        except (ImportError, OSError, ValueError) as error:
            self.project.console.warn(f"the trace could not be sent to {otlp}: {error}")
            return
        if not sent:
            self.project.console.warn(f"{otlp} did not take the trace of this rollout")

    def _mark(self, state: State, name: str) -> None:
        from lockgate.adapters.azure.annotations import annotate  # noqa: PLC0415 - Azure, where it is wanted
        from lockgate.commands.azure import azure_config, open_arm  # noqa: PLC0415

        component = self.environment.azure.application_insights
        if not component:
            return
        try:
            arm = open_arm(self.project, self.environment)
            try:
                config = azure_config(self.project, self.environment)
                annotate(arm, config, component, name, at=self.project.clock.now(), about=describe(state))
            finally:
                arm.close()
        except LockgateError as error:
            self.project.console.warn(f"{component} got no release annotation: {error.what}")
