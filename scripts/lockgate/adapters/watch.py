"""Sample revisions at a steady rate and let a gate judge: the rate never waits for an answer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lockgate.adapters.http import Prober
from lockgate.core.answers import Answer, fault_of, samples, version_of
from lockgate.core.config import GateConfig, ProbeConfig
from lockgate.core.gate import Gate
from lockgate.core.samples import GateReport, Role

_LOOK_SECONDS = 0.05
"""How often the clock and the wish to stop are looked at."""


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


class StoppedError(Exception):
    """The watch was asked to stop before it could judge."""


@dataclass(slots=True)
class Watcher:
    """Runs watches with one gate configuration."""

    config: GateConfig
    response_budget: float
    stop: Callable[[], bool]
    progress: Callable[[Gate, float], None] = lambda _gate, _t: None

    def judge(self, gate: Gate, endpoints: Sequence[Endpoint], warm_up: float = 0.0) -> GateReport:
        """Sample until the gate decides. Raise StoppedError.

        With `warm_up`, wait at most so many seconds for a first good answer before the watch begins: a service that
        listens may still be loading.
        """
        return asyncio.run(self._judge(gate, endpoints, warm_up))

    async def _judge(self, gate: Gate, endpoints: Sequence[Endpoint], warm_up: float) -> GateReport:
        async with Prober() as prober:
            if warm_up:
                await self._warm_up(prober, endpoints, warm_up)
            return await self._watch(prober, gate, endpoints)

    async def _warm_up(self, prober: Prober, endpoints: Sequence[Endpoint], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for endpoint in endpoints:
            for probe in self.config.probes:
                while time.monotonic() < deadline:
                    answer = await prober.get(endpoint.url + probe.path, min(probe.timeout, seconds))
                    if not fault_of(answer, probe):
                        break
                    self._check_stop()
                    await asyncio.sleep(2 * _LOOK_SECONDS)

    async def _watch(self, prober: Prober, gate: Gate, endpoints: Sequence[Endpoint]) -> GateReport:
        started = time.monotonic()
        pending: set[asyncio.Task[None]] = set()
        decided: list[GateReport] = []

        async def ask(endpoint: Endpoint, probe: ProbeConfig) -> None:
            t = time.monotonic() - started
            answer = await prober.get(endpoint.url + probe.path, probe.timeout)
            decided.extend(filter(None, [self._count(gate, endpoint, probe, answer, t)]))

        asked = 0
        try:
            while not decided:
                self._check_stop()
                t = time.monotonic() - started
                if t >= gate.spec.duration:
                    # Questions still open belong to the watch: a service that hangs must not escape by hanging.
                    if pending:
                        await asyncio.wait(pending)
                    return decided[0] if decided else _last(gate, t)
                while asked <= t * self.config.rate:
                    probe = self.config.probes[asked % len(self.config.probes)]
                    pending |= {asyncio.create_task(ask(endpoint, probe)) for endpoint in endpoints}
                    asked += 1
                if report := gate.look(t):
                    return report
                self.progress(gate, t)
                await asyncio.sleep(min(_LOOK_SECONDS, max(0.001, asked / self.config.rate - t)))
                pending = {task for task in pending if not task.done() or _raise(task)}
            return decided[0]
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _count(self, gate: Gate, endpoint: Endpoint, probe: ProbeConfig, answer: Answer, t: float) -> GateReport | None:
        named = version_of(answer, self.config.version)
        role, wrong = _attribute(endpoint, named)
        if role is None:
            return None
        report: GateReport | None = None
        for sample in samples(answer, probe, role=role, t=t, budget=self.response_budget, wrong_version=wrong):
            report = gate.add(sample) or report
        return report

    def _check_stop(self) -> None:
        if self.stop():
            raise StoppedError


def _attribute(endpoint: Endpoint, named: str | None) -> tuple[Role | None, str]:
    """Give whose an answer is and, where another version answered than must have, what to say about it."""
    if named is None or not endpoint.versions:
        return endpoint.default, ""
    if named in endpoint.versions:
        return endpoint.versions[named], ""
    if endpoint.direct:
        return endpoint.default, f'version "{named}" answered, expected "{next(iter(endpoint.versions))}"'
    return endpoint.default, ""


def _last(gate: Gate, t: float) -> GateReport:
    report = gate.look(t)
    assert report is not None, "a gate always reports at its end"  # noqa: S101 - an invariant, for the type checker
    return report


def _raise(task: "asyncio.Task[None]") -> bool:
    task.result()
    return False
