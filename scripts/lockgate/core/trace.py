"""One trace per rollout, by the W3C's recommendation: which ids it has, and what its spans are. Pure.

The ids follow from the rollout's, which every event of the ledger carries: a recovery on another machine goes on in the
same trace, and whoever has one finds the other. Source: w3.org/TR/trace-context.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lockgate.core.rollout_model import Effect, State


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """Where traces go."""

    otlp: str = ""
    application_insights: str = ""
    """Name of the variable that holds a connection string."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took time."""

    name: str
    trace: str
    id: str
    parent: str
    """Id of the span around it, or "" for the outermost."""
    start: int
    """Nanoseconds since 1970."""
    end: int
    passed: bool
    message: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def trace_id(rollout: str) -> str:
    """Give the trace of a rollout: 32 hex digits."""
    return _digits(rollout, 32)


def span_id(rollout: str, *what: str | int) -> str:
    """Give the id of one span of it: 16 hex digits."""
    return _digits("/".join([rollout, *map(str, what)]), 16)


def traceparent(trace: str, span: str, *, sampled: bool) -> str:
    """Give the header that continues a trace. Not sampled, it names the rollout and asks nobody to record anything."""
    return f"00-{trace}-{span}-{'01' if sampled else '00'}"


def effect_name(effect: Effect) -> str:
    """Name the span of an effect: `analyse bake`, `shift`."""
    return f"{effect.kind} {effect.watch or effect.moment or ''}".strip()


def describe(state: State) -> dict[str, str]:
    """Give the attributes that every span of a rollout has."""
    plan = state.plan
    return {
        "lockgate.rollout": plan.rollout,
        "lockgate.environment": plan.environment,
        "lockgate.phase": str(state.phase),
        "service.version": plan.release.version,
        "lockgate.digest": plan.release.artifact.digest,
        "vcs.ref.head.revision": plan.release.commit,
    }


def _digits(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
