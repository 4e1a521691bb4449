"""Sample revisions at a steady rate and let a gate judge: the rate never waits for an answer."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lockgate.adapters.probes.hold import Hold
from lockgate.adapters.probes.kinds import Means, make
from lockgate.core.answers import version_of
from lockgate.core.config import GateConfig
from lockgate.core.gate import Gate
from lockgate.core.outcome import Outcome, Place, Probe
from lockgate.core.probe_config import ProbeConfig, ProbeKind
from lockgate.core.redaction import printable, shorten
from lockgate.core.samples import GateReport, Role
from lockgate.core.schedule import Schedule
from lockgate.core.streams import Stream, streams

_LOOK_SECONDS = 0.05
"""How often the clock and the wish to stop are looked at."""
_OPENING = {ProbeKind.HTTP, ProbeKind.WEBSOCKET, ProbeKind.SOCKETIO}
"""Kinds whose first good answer is waited for while a service is still loading."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place that is asked, and whose answers they are."""

    url: str
    versions: dict[str, Role]
    """Version an answer may name -> whose answer it is; empty where answers name none."""
    default: Role | None
    """Whose an answer is that names no version; None to leave it out, because it could be anybody's."""
    direct: bool = True
    """Whether only one revision answers here, so that another version is a wrong answer."""
    version: str = ""
    """The version that runs here, for probes that ask about it by name."""
    cookie: str = ""
    """What a question brings along to be answered by that version; without it another one could answer, too."""


class StoppedError(Exception):
    """The watch was asked to stop before it could judge."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One stream at one place."""

    config: ProbeConfig
    probe: Probe
    endpoint: Endpoint

    async def ask(self) -> Outcome:
        return await self.probe.ask(Place(self.endpoint.url, self.endpoint.version, self.endpoint.cookie))


@dataclass(slots=True)
class Watcher:
    """Runs watches with one gate configuration."""

    config: GateConfig
    response_budget: float
    stop: Callable[[], bool]
    progress: Callable[[Gate, float], None] = lambda _gate, _t: None
    means: Means = field(default_factory=Means)
    held: Hold | None = None
    """Connections held at the front door, since before this watch."""
    asked: Callable[[float, float], None] = lambda _due, _t: None
    """Hears of every question when it was due and when it was asked, in seconds since the watch began."""

    def judge(
        self, gate: Gate, endpoints: Sequence[Endpoint], warm_up: float = 0.0, *, live: bool = True
    ) -> GateReport:
        """Sample until the gate decides. Raise StoppedError, and ConfigInvalidError.

        With `warm_up`, wait at most so many seconds for a first good answer before the watch begins: a service that
        listens may still be loading. Not `live`, only what says something before the first traffic is asked.
        """
        return asyncio.run(self._judge(gate, endpoints, warm_up, live=live))

    async def _judge(self, gate: Gate, endpoints: Sequence[Endpoint], warm_up: float, *, live: bool) -> GateReport:
        async with self.means.prober() as prober:
            schedule: Schedule[_Question] = Schedule()
            questions: list[_Question] = []
            for stream, endpoint, phase in _spread(self.config, endpoints, live=live):
                probe = make(stream.probe, prober, self.means, self.response_budget)
                questions.append(_Question(stream.probe, probe, endpoint))
                schedule.add(questions[-1], period=stream.period, phase=phase)
            if warm_up:
                await self._warm_up(questions, warm_up)
            return await self._watch(gate, schedule)

    async def _warm_up(self, questions: Sequence[_Question], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for question in questions:
            while question.config.kind in _OPENING and (left := deadline - time.monotonic()) > 0:
                try:
                    async with asyncio.timeout(left):
                        outcome = await question.ask()
                except TimeoutError:
                    break
                if outcome.marks and outcome.marks[0].fault is None:
                    break
                self._check_stop()
                await asyncio.sleep(2 * _LOOK_SECONDS)

    async def _watch(self, gate: Gate, schedule: Schedule[_Question]) -> GateReport:
        started = time.monotonic()
        pending: set[asyncio.Task[None]] = set()
        decided: list[GateReport] = []
        broken: list[BaseException] = []

        async def ask(question: _Question, t: float) -> None:
            decided.extend(filter(None, [self._count(gate, question, await question.ask(), t)]))

        def done(task: "asyncio.Task[None]") -> None:
            pending.discard(task)
            if not task.cancelled() and (error := task.exception()):
                broken.append(error)

        try:
            while not decided:
                self._check_stop()
                t = time.monotonic() - started
                decided.extend(self._count_held(gate, t, started))
                if t >= gate.spec.duration:
                    # Questions still open belong to the watch: a service that hangs must not escape by hanging.
                    if pending:
                        await asyncio.wait(set(pending))
                    _raise(broken)
                    return decided[0] if decided else _last(gate, t)
                for due, question in schedule.due(t):
                    self.asked(due, time.monotonic() - started)
                    task = asyncio.create_task(ask(question, t))
                    pending.add(task)
                    task.add_done_callback(done)
                if report := gate.look(t):
                    return report
                self.progress(gate, t)
                wait = schedule.next - (time.monotonic() - started)
                await asyncio.sleep(min(_LOOK_SECONDS, max(0.0, wait)))
                _raise(broken)
            return decided[0]
        finally:
            left = list(pending)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _count(self, gate: Gate, question: _Question, outcome: Outcome, t: float) -> GateReport | None:
        endpoint = question.endpoint
        role, wrong = _attribute(endpoint, version_of(outcome, self.config.version))
        if role is None:
            return None
        if outcome.unknown:
            gate.skip(role, question.config.feeds, outcome.unknown)
        report: GateReport | None = None
        for sample in outcome.samples(role, t, wrong):
            report = gate.add(sample) or report
        return report

    def _count_held(self, gate: Gate, t: float, started: float) -> Iterator[GateReport]:
        """Count what became of the held connections; what happened during the shift before this watch is its first."""
        for at, outcome in self.held.take() if self.held else ():
            for sample in outcome.samples(Role.CANDIDATE, min(t, max(0.0, at - started))):
                if report := gate.add(sample):
                    yield report

    def _check_stop(self) -> None:
        if self.stop():
            raise StoppedError


def _spread(
    config: GateConfig, endpoints: Sequence[Endpoint], *, live: bool
) -> Iterator[tuple[Stream, Endpoint, float]]:
    """Give every stream with each place it is asked at, and its phase: no two places are asked at the same moment."""
    for stream in streams(config, live=live):
        places = _places(stream.probe, endpoints)
        for index, endpoint in enumerate(places):
            yield stream, endpoint, stream.phase + min(stream.period, 1 / config.rate) * index / len(places)


def _places(probe: ProbeConfig, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
    if probe.of_a_version:
        return [each for each in endpoints if each.direct]
    if probe.live_only:
        return [Endpoint(probe.url, {}, Role.CANDIDATE)]
    if probe.kind is ProbeKind.COMMAND:
        # A command is told an address, and brings no cookie along.
        return [each for each in endpoints if each.direct and not each.cookie]
    if probe.kind is ProbeKind.TLS:
        return [each for each in endpoints if each.url.startswith("https:")] or endpoints
    return endpoints


def _attribute(endpoint: Endpoint, named: str | None) -> tuple[Role | None, str]:
    """Give whose an answer is and, where another version answered than must have, what to say about it."""
    if named is None or not endpoint.versions:
        return endpoint.default, ""
    if named in endpoint.versions:
        return endpoint.versions[named], ""
    if endpoint.direct:
        expected = endpoint.version or next(iter(endpoint.versions))
        return endpoint.default, f'version "{shorten(printable(named), 100)}" answered, expected "{expected}"'
    return endpoint.default, ""


def _last(gate: Gate, t: float) -> GateReport:
    report = gate.look(t)
    assert report is not None, "a gate always reports at its end"  # noqa: S101 - an invariant, for the type checker
    return report


def _raise(broken: Sequence[BaseException]) -> None:
    for error in broken:
        raise error
