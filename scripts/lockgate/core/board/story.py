"""What a rollout's journal tells: where it is, who has the traffic, what the gate saw, line by line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.board.watches import WATCHES, Judged, judged, number, told
from lockgate.core.evidence import amount
from lockgate.core.ledger import LedgerEvent
from lockgate.core.rollout import OutOfOrderError, advance, begin
from lockgate.core.rollout_model import Event, Plan, State

_INTENDED = {
    "deploy_preview": "Start the new revision, without traffic",
    "integrate": "Run the integration tests against it",
    "hook": "Run the environment's command",
    "retire": "Drain and stop the revision that has no traffic any more",
    "discard": "Remove the new revision; it never took traffic",
}
_ENDED = {
    "deployed": "Deployed",
    "aborted": "Aborted: it never took traffic",
    "rolled_back": "Rolled back; the restored release was judged healthy",
    "broken": "Broken: a person is needed",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the journal for people."""

    seq: int
    at: str
    kind: str
    text: str
    tone: str
    """`good`, `bad` or `calm`."""


@dataclass(frozen=True, slots=True)
class Story:
    """A rollout so far."""

    phase: str
    """As `Phase` has it; "" where the journal does not tell."""
    outcome: str
    reason: str
    message: str
    traffic: tuple[tuple[str, int], ...]
    """Versions with their percent, the new one first."""
    watches: tuple[Judged, ...]
    lines: tuple[Line, ...]
    plan: Mapping[str, Any] = field(default_factory=dict)
    dossier: Mapping[str, Any] = field(default_factory=dict)
    scan: Mapping[str, Any] | None = None
    """What was found in it; None where it was not scanned."""


def tell(events: Sequence[LedgerEvent]) -> Story:
    """Tell what a journal says. One that was damaged, or is another version's, is told as far as it goes."""
    first = events[0].data if events and events[0].kind == "rollout.started" else {}
    plan = told(first, "plan") or {}
    last = events[-1].data if events and events[-1].kind == "rollout.finished" else {}
    return Story(
        phase="done" if last else _phase(plan, events),
        outcome=str(last.get("outcome") or ""),
        reason=str(last.get("reason_code") or ""),
        message=str(last.get("message") or ""),
        traffic=_traffic(plan, events),
        watches=tuple(_watches(events)),
        lines=tuple(map(line, events)),
        plan=plan,
        dossier=told(first, "dossier") or {},
        scan=told(first, "scan"),
    )


def line(event: LedgerEvent) -> Line:
    """Tell one event."""
    stem, _, rest = event.kind.partition(".")
    message = str(event.data.get("message") or "")
    tone, text = "calm", message or rest or event.kind
    match stem, rest:
        case "rollout", "started":
            release = told(event.data, "plan", "release", "version") or "a release"
            text = f"Begun by {told(event.data, 'plan', 'actor') or 'somebody'}: {release}"
        case "rollout", "finished":
            outcome = str(event.data.get("outcome"))
            tone = "good" if outcome == "deployed" else "bad"
            text = ". ".join(filter(None, [_ENDED.get(outcome, outcome), message]))
        case "intended", "shift":
            text = f"Shift traffic: {_weights(event.data)}"
        case "intended", "analyse":
            text = f"Judge {WATCHES.get(str(event.data.get('watch')), 'it')}"
        case "intended", _:
            text = _INTENDED.get(rest, rest)
        case "happened", _:
            failed = rest in {"failed", "stopped"}
            passed = bool(event.data.get("passed"))
            judging = rest in {"judged", "integrated", "hooked"}
            tone = "bad" if failed or (judging and not passed) else "good" if judging else "calm"
            text = f"{rest.capitalize()}: {message}" if message else rest.capitalize()
        case (("analysed" | "watching"), _):
            tone = {"successful": "good", "": "calm"}.get(str(event.data.get("verdict") or ""), "bad")
            text = _seen(event)
    return Line(event.seq, event.at, event.kind, text, tone)


def _phase(plan: Mapping[str, Any], events: Sequence[LedgerEvent]) -> str:
    try:
        state: State = begin(Plan.from_dict(plan))
        for event in events:
            if event.kind.startswith("happened."):
                state = advance(state, Event.from_dict(event.kind.removeprefix("happened."), event.data))
    except (KeyError, ValueError, TypeError, OutOfOrderError):
        return ""
    return state.phase.value


def _traffic(plan: Mapping[str, Any], events: Sequence[LedgerEvent]) -> tuple[tuple[str, int], ...]:
    """Give the weights after the last shift that was done, by version where it is known."""
    names: dict[str, str] = {}
    weights: dict[str, int] = {}
    if old := told(plan, "baseline", "revision"):
        names[old] = str(told(plan, "baseline", "release", "version") or old)
        weights = {old: 100}
    wanted: dict[str, int] = {}
    for event in events:
        if event.kind == "happened.previewed":
            revision = str(event.data.get("revision") or "")
            names[revision] = str(told(plan, "release", "version") or revision)
        elif event.kind == "intended.shift":
            found = event.data.get("weights")
            wanted = {str(k): int(number(v)) for k, v in found.items()} if isinstance(found, Mapping) else {}
        elif event.kind == "happened.shifted":
            weights, wanted = wanted or weights, {}
    ordered = sorted(weights.items(), key=lambda one: one[0] == old)
    return tuple((names.get(revision, revision), weight) for revision, weight in ordered)


def _watches(events: Sequence[LedgerEvent]) -> Iterator[Judged]:
    """Yield every watch that ended, and the one that goes on."""
    going: LedgerEvent | None = None
    for event in events:
        if event.kind.startswith("watching."):
            going = event
        elif event.kind.startswith("analysed."):
            yield judged(event)
            going = None
    if going:
        yield judged(going)


def _seen(event: LedgerEvent) -> str:
    watch = judged(event)
    worst = max(watch.indicators, key=lambda one: one.evidence, default=None)
    seen = f"{worst.name}: {worst.words} of {amount(watch.limit)}" if worst else watch.message
    return f"{watch.verdict.capitalize() or 'Watching'} {watch.title}. {seen}"


def _weights(data: Mapping[str, Any]) -> str:
    weights = data.get("weights")
    return ", ".join(f"{w} % {name}" for name, w in weights.items()) if isinstance(weights, Mapping) else ""
