"""What is told of a rollout beside the ledger: its trace, and a mark on the charts. It never stops one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockgate.adapters import tracing
from lockgate.adapters.tracing import Tracer
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig
from lockgate.core.rollout_model import Effect, Event, EventKind, Phase, State
from lockgate.core.trace import Span, describe, trace_id
from lockgate.errors import LockgateError
from lockgate.errors.extras import set_up

if TYPE_CHECKING:
    from lockgate.adapters.azure.arm import Arm
    from lockgate.core.azure_cloud import AzureConfig

_SECONDS = 5.0


def recorded(project: Project, environment: EnvironmentConfig) -> bool:
    """Whether the spans of a rollout are sent to anybody."""
    wanted = project.config.telemetry
    return bool(wanted.otlp or wanted.application_insights or environment.azure.application_insights)


@dataclass(slots=True)
class Telemetry:
    """An engine's listener, the first of all: what the others say and ask is then traced.

    Annotations go at once, the trace at the end, in `flush`.
    """

    project: Project
    environment: EnvironmentConfig
    tracer: Tracer = field(init=False)
    _begun: bool = False

    def __post_init__(self) -> None:
        """Trace for whoever is asked; record only where somebody gets it."""
        self.tracer = Tracer(sampled=recorded(self.project, self.environment))

    def wanted(self, state: State, effect: Effect) -> None:
        """Open a span; say the trace's whole id once."""
        self.tracer.wanted(state, effect)
        if not self._begun:
            self._begun = True
            plan = state.plan
            self.project.console.step(f"{plan.environment}: rollout {plan.rollout}, trace {trace_id(plan.rollout)}")

    def happened(self, state: State, event: Event) -> None:
        """Close it; mark a promotion and a rollback."""
        self.tracer.happened(state, event)
        if event.kind is EventKind.SHIFTED and state.phase is Phase.BAKE:
            self._mark(state, f"{state.plan.release.version} promoted")
        elif state.phase is Phase.DONE and state.outcome in {"rolled_back", "broken"}:
            self._mark(state, f"{state.plan.release.version} {str(state.outcome).replace('_', ' ')}")

    def trouble(self, text: str) -> None:
        """It is in the log."""

    def flush(self, seconds: float = _SECONDS) -> None:
        """Send the trace, where there is time for it; where that fails it is said, and nothing else happens."""
        spans, self.tracer.spans = self.tracer.spans, []
        if spans and self.tracer.sampled and not seconds:
            self.project.console.warn(f"{self.environment.name}: there was no time left to send its trace")
        elif spans:
            self._to_collector(spans)
            self._to_insights(spans)

    def _to_collector(self, spans: Sequence[Span]) -> None:
        otlp = self.project.config.telemetry.otlp
        if not otlp:
            return
        try:
            sent = tracing.send(spans, otlp, self.project.config.service, seconds=_SECONDS)
        except (ImportError, OSError, ValueError) as error:
            self.project.console.warn(f"the trace could not be sent to {otlp}: {_told(error, 'telemetry')}")
            return
        if not sent:
            self.project.console.warn(f"{otlp} did not take the trace of this rollout")

    def _to_insights(self, spans: Sequence[Span]) -> None:
        variable = self.project.config.telemetry.application_insights
        component = self.environment.azure.application_insights
        if not variable and not component:
            return
        from lockgate.adapters.azure.ingestion import send  # noqa: PLC0415 - Azure, where it is wanted
        from lockgate.core.app_insights import ConnectionString  # noqa: PLC0415

        place = component or f"${variable}"
        project = self.project
        try:
            to = ConnectionString.parse(self._connection(variable, component))
            send(spans, to, project.config.service, project.clock, project.runner.ca_bundle, seconds=_SECONDS)
        except (LockgateError, ImportError, ValueError) as error:
            told = _told(error, "azure")
            project.console.warn(f"the trace could not be sent to Application Insights ({place}): {told}")

    def _connection(self, variable: str, component: str) -> str:
        """Give the connection string: of the variable, else of the resource."""
        from lockgate.adapters.azure.ingestion import connection_of  # noqa: PLC0415

        text = self.project.runner.secret(variable) if variable else ""
        if text:
            self.project.console.secrets.append(text)
            return text
        if not component:
            raise ValueError("the variable is not set here")
        with self._arm() as (arm, config):
            return connection_of(arm, config, component)

    def _mark(self, state: State, name: str) -> None:
        from lockgate.adapters.azure.annotations import annotate  # noqa: PLC0415 - Azure, where it is wanted

        component = self.environment.azure.application_insights
        if not component:
            return
        try:
            with self._arm() as (arm, config):
                annotate(arm, config, component, name, at=self.project.clock.now(), about=describe(state))
        except LockgateError as error:
            self.project.console.warn(f"{component} got no release annotation: {error.what}")

    @contextmanager
    def _arm(self) -> Iterator[tuple["Arm", "AzureConfig"]]:
        from lockgate.commands.azure import azure_config, open_arm  # noqa: PLC0415

        arm = open_arm(self.project, self.environment)
        try:
            yield arm, azure_config(self.project, self.environment)
        finally:
            arm.close()


def _told(error: Exception, extra: str) -> str:
    if isinstance(error, ImportError):
        return f"{error.name} is not installed. {set_up(extra)}"
    return f"{error.what} {error.why}" if isinstance(error, LockgateError) else str(error)
