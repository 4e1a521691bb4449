"""What a rollout's journal tells: where it is, who has the traffic, what the gate saw, line by line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.core.board.watches import WATCHES, Judged, judged, listed, number, told
from lockgate.core.evidence import amount
from lockgate.core.ledger import LedgerEvent
from lockgate.core.redaction import printable
from lockgate.core.rollout import OutOfOrderError, advance, begin
from lockgate.core.rollout_model import Event, Phase, Plan, State

_INTENDED = {
    "deploy_preview": "Start the new revision, without traffic",
    "integrate": "Run the integration tests against it",
    "hook": "Run the environment's command",
    "retire": "Drain and stop the revision that has no traffic any more",
    "discard": "Remove the new revision; it never took traffic",
}
DOING: Mapping[str, str] = {
    Phase.PREVIEWING: "the new release is being started, without traffic",
    Phase.PRE_PROMOTION: "the new release is being judged before it gets traffic",
    Phase.INTEGRATING: "the integration tests run against the new release",
    Phase.MIGRATING: "the command before the promotion runs",
    Phase.SHIFTING: "traffic is being moved to the new release",
    Phase.STEP: "the new release is being judged with a part of the traffic",
    Phase.BAKE: "the new release is being judged with all of the traffic",
    Phase.HOLDING: "judged healthy; the other targets are not yet",
    Phase.FINISHING: "the command after the promotion runs",
    Phase.RETIRING_OLD: "the old release is being drained and stopped",
    Phase.ABORTING: "the new release is being removed; it had no traffic",
    Phase.ROLLING_BACK: "traffic is being moved back to the old release",
    Phase.RESTORED: "the restored release is being judged",
    Phase.RETIRING_NEW: "the new release is being stopped; the old one serves",
    Phase.ADOPTING: "what serves is being judged",
    Phase.REVIVING: "a verified release is being brought back to serve",
    Phase.REVIVED: "the release that was brought back is being judged",
    Phase.DONE: "done",
}
"""Where a rollout is, in words."""
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
class Brought:
    """One commit that came with a release: anybody's words."""

    sha: str
    author: str
    subject: str
    pull: int
    """Of its pull request; 0 where it names none."""


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
    commits: tuple[Brought, ...] = ()
    """What it brought, the newest first, where its clone knew; there may be more of them."""
    commits_count: int = 0

    @property
    def doing(self) -> str:
        """What goes on now, for people; "" where the journal does not tell."""
        return DOING.get(self.phase, self.phase)


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
        commits=tuple(_commits(told(first, "commits", "listed"))),
        commits_count=int(number(told(first, "commits", "count"))),
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


def _commits(found: Any) -> Iterator[Brought]:
    for one in listed(found):
        if isinstance(one, Mapping):
            sha, author, subject = (printable(str(one.get(name) or "")) for name in ("sha", "author", "subject"))
            yield Brought(sha, author, subject, int(number(one.get("pull"))))


def _weights(data: Mapping[str, Any]) -> str:
    weights = data.get("weights")
    return ", ".join(f"{w} % {name}" for name, w in weights.items()) if isinstance(weights, Mapping) else ""
