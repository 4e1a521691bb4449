"""The trace of a rollout as it runs: the header that goes with every question, and the spans sent at its end."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field

from lockgate.core.rollout_model import Effect, Event, Phase, State
from lockgate.core.trace import Span, describe, effect_name, span_id, trace_id, traceparent

_LABEL = 8
_CURRENT: ContextVar[str] = ContextVar("traceparent", default="")
"""Of this thread: each target of a fleet is shipped in one of its own."""


def enter(rollout: str, *, sampled: bool) -> None:
    """Trace what this thread asks from now on by a rollout that is still to begin."""
    _CURRENT.set(traceparent(trace_id(rollout), span_id(rollout), sampled=sampled))


def headers() -> dict[str, str]:
    """Give the headers that a question asked now is traced by; {} outside a rollout."""
    current = _CURRENT.get()
    return {"traceparent": current} if current else {}


def label(*, always: bool) -> str:
    """Give the beginning of the trace for a line of the log: `always`, or only where traces are sent."""
    current = _CURRENT.get()
    return current.split("-")[1][:_LABEL] if current and (always or current.endswith("-01")) else ""


def environment() -> dict[str, str]:
    """Give the variable by which a command that is started now goes on in the trace.

    Source: opentelemetry.io/docs/specs/otel/context/env-carriers.
    """
    return {name.upper(): value for name, value in headers().items()}


def thread(work: Callable[..., None], *arguments: object, name: str | None = None) -> threading.Thread:
    """Make a thread, not started, that works for the rollout of this one: what it says and asks is traced alike."""
    return threading.Thread(target=copy_context().run, args=(work, *arguments), name=name, daemon=True)


def done() -> None:
    """This thread works for no rollout any more."""
    _CURRENT.set("")


@dataclass(slots=True)
class Tracer:
    """An engine's listener that makes a span of every effect, and one around them all."""

    sampled: bool
    """Whether the spans are sent, so that others should record theirs as well."""
    now: Callable[[], int] = time.time_ns
    spans: list[Span] = field(default_factory=list)
    _begun: int = 0
    _open: tuple[Effect, int, str] | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def wanted(self, state: State, effect: Effect) -> None:
        """Open a span."""
        now = self.now()
        self._begun = self._begun or now
        rollout = state.plan.rollout
        span = span_id(rollout, self._begun, next(self._numbers))
        self._open = (effect, now, span)
        _CURRENT.set(traceparent(trace_id(rollout), span, sampled=self.sampled))

    def happened(self, state: State, event: Event) -> None:
        """Close it, and the one around all of them where the rollout is done."""
        now, rollout = self.now(), state.plan.rollout
        whole = span_id(rollout)
        if self._open is not None:
            effect, start, span = self._open
            passed = event.passed is not False and event.kind not in {"failed", "stopped"}
            name = effect_name(effect)
            self._add(state, Span(name, trace_id(rollout), span, whole, start, now, passed, event.message))
            self._open = None
        if state.phase is Phase.DONE:
            passed = state.outcome == "deployed"
            name = f"rollout {state.plan.environment}"
            self._add(state, Span(name, trace_id(rollout), whole, "", self._begun or now, now, passed, state.message))

    def trouble(self, text: str) -> None:
        """It is no span."""

    def _add(self, state: State, span: Span) -> None:
        about = describe(state) | ({"lockgate.outcome": str(state.outcome)} if state.outcome else {})
        self.spans.append(Span(**{name: getattr(span, name) for name in Span.__slots__} | {"attributes": about}))


def send(spans: Sequence[Span], otlp: str, service: str, *, seconds: float) -> bool:
    """Send spans to a collector by OpenTelemetry's own exporter; False where it did not take them."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - a fifth of a second
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415
    from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags  # noqa: PLC0415

    def context(span: Span, identifier: str) -> SpanContext:
        return SpanContext(int(span.trace, 16), int(identifier, 16), is_remote=False, trace_flags=TraceFlags(1))

    resource = Resource({"service.name": "lockgate", "lockgate.service": service})
    made = [
        ReadableSpan(
            name=span.name,
            context=context(span, span.id),
            parent=context(span, span.parent) if span.parent else None,
            resource=resource,
            attributes=dict(span.attributes),
            status=Status(StatusCode.OK) if span.passed else Status(StatusCode.ERROR, span.message),
            start_time=span.start,
            end_time=span.end,
        )
        for span in spans
    ]
    exporter = OTLPSpanExporter(endpoint=f"{otlp.rstrip('/')}/v1/traces", timeout=seconds)
    try:
        return exporter.export(made) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call] # the exporter's own is not typed
