"""Gather the evidence of a rollout's watches: who is asked where, and which connections are held meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lockgate.adapters.probes.hold import Hold, holding
from lockgate.adapters.probes.kinds import Means
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.adapters.watch import Endpoint, Watcher
from lockgate.adapters.watch_notes import WatchNotes
from lockgate.commands.progress import WatchNoter, WatchProgress
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig, GateConfig
from lockgate.core.gate import Gate
from lockgate.core.rollout_model import Kind, State, Watch
from lockgate.core.samples import GateReport, Role, Verdict
from lockgate.core.target import Observation, Revision
from lockgate.core.watch_plan import gate_spec
from lockgate.errors import TargetError

FULL = 100
_LAST = {Watch.BAKE, Watch.RESTORED}
"""After these nothing is shifted any more, and what is still connected may go."""


def means_of(project: Project, gate: GateConfig) -> Means:
    """Give what probes may use: the project's folder, the environment of a user's command, the private authority."""
    return Means(project.root, project.runner.child_env(), project.root / gate.ca if gate.ca else None)


@dataclass(slots=True)
class Judging:
    """Judges one environment's revisions, watch after watch."""

    project: Project
    environment: EnvironmentConfig
    stop: StopSignal | ThreadStop
    notes: WatchNotes | None = None
    """Where a board on this machine looks."""
    _held: Hold | None = field(default=None)

    def __call__(self, state: State, watch: Watch, observation: Observation) -> GateReport:
        """Watch the revision that `state` is about. Raise StoppedError, TargetError and ConfigInvalidError."""
        candidate = observation.find(state.effect.revision if state.effect else "")
        if candidate is None:
            raise TargetError("The revision to judge is gone.", why="Something outside Lockgate removed it.")
        baseline = state.plan.baseline if watch is not Watch.RESTORED else None
        old = observation.find(baseline.revision) if baseline else None
        endpoints = self._endpoints(candidate, old, watch, observation)
        budgets, gate = self.project.config.budgets, self.environment.gate
        spec = gate_spec(state.plan, watch, self.environment, budgets)
        stop = self.stop.asked if watch is not Watch.RESTORED else lambda: self.stop.requested > 1
        watcher = Watcher(gate, budgets.response, stop, self._progress(state, watch), means_of(self.project, gate))
        if watch is Watch.RESTORED:
            # What is still connected to the revision that failed goes with it, and that is nobody's fault.
            self.close()
        if watch is not Watch.PRE_PROMOTION or old:
            self._hold(observation.url)
        live = watch is not Watch.PRE_PROMOTION
        watcher.held = self._held if live else None
        fresh = watch is Watch.PRE_PROMOTION or state.plan.kind is Kind.REVIVE
        warm_up = self.environment.target.start_timeout if fresh else 0.0
        report = watcher.judge(Gate(spec), endpoints, warm_up, live=live)
        if self._held and not live:
            # So far the revision that serves was alone.
            self._held.forget()
        if watch in _LAST or report.verdict is not Verdict.SUCCESSFUL:
            self.close()
        return report

    def _progress(self, state: State, watch: Watch) -> Callable[[Gate, float], None]:
        """Give who hears how a watch goes: the person at the terminal, and the board."""
        shown = WatchProgress(self.project.console, self.environment.name)
        if self.notes is None:
            return shown
        place = (state.plan.rollout, self.project.config.service, self.environment.name)
        noter = WatchNoter(self.notes, self.project.clock, place, watch.value)

        def both(gate: Gate, t: float) -> None:
            shown(gate, t)
            noter(gate, t)

        return both

    def close(self) -> None:
        """Let go of the connections that are held."""
        if self._held:
            self._held.close()
            self._held = None

    def _hold(self, url: str) -> None:
        gate = self.environment.gate
        if self._held is None and url and holding(gate.probes):
            self._held = Hold(gate.probes, url, means_of(self.project, gate))
            self._held.start()

    def _endpoints(
        self, candidate: Revision, old: Revision | None, watch: Watch, observation: Observation
    ) -> list[Endpoint]:
        version = self.environment.gate.version
        named = bool(version.header or version.json)
        both_named = named and candidate.named and (old is None or old.named)
        versions = {candidate.version: Role.CANDIDATE} | ({old.version: Role.BASELINE} if old else {})
        endpoints = [_direct(candidate, Role.CANDIDATE, named=named)]
        if old:
            endpoints.append(_direct(old, Role.BASELINE, named=named))
            if old.cookie and both_named:
                # Users' address: should the cookie be lost on the way, the candidate's answers stay the candidate's.
                endpoints[-1] = replace(endpoints[-1], versions=versions)
        if watch is not Watch.PRE_PROMOTION:
            alone = candidate.weight == FULL
            if alone or (both_named and old and old.version != candidate.version):
                default = Role.CANDIDATE if alone else None
                endpoints.append(Endpoint(observation.url, versions if both_named else {}, default, direct=False))
        return endpoints


def _direct(revision: Revision, role: Role, *, named: bool) -> Endpoint:
    versions = {revision.version: role} if named and revision.named else {}
    return Endpoint(revision.url, versions, role, version=revision.version, cookie=revision.cookie)
