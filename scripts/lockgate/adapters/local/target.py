"""The `local` target: two slots behind one proxy on this machine. All it knows is on disk, for the next command."""

from collections.abc import Callable, Mapping
from pathlib import Path

from lockgate.adapters.clock import Clock
from lockgate.adapters.local import ports as slot_ports
from lockgate.adapters.local import sockets
from lockgate.adapters.local.caddy import TRAFFIC_FILE
from lockgate.adapters.local.fleet import Fleet
from lockgate.adapters.local.launch import Launcher
from lockgate.adapters.local.process import ProcessLauncher
from lockgate.adapters.local.proxy import Proxy
from lockgate.adapters.local.revisions import Record, Records
from lockgate.adapters.local.traffic import NOBODY, SPLITS, STEP, Shares, Slot, Traffic, written
from lockgate.adapters.state import make_directory
from lockgate.core.config import BuildConfig, StrategyConfig
from lockgate.core.config_target import TargetConfig
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.target import Observation, Revision
from lockgate.errors import TargetError


class LocalTarget:
    """One service in one environment. Implements `core.target.Target`.

    Bundles are started as processes with `build.bundle.start`, in the directory that `materialise` gives, with `env`;
    `launchers` adds or replaces launchers by the kind of artifact. `secrets` are the values the service sees by name.
    """

    def __init__(
        self,
        *,
        service: str,
        environment: str,
        config: TargetConfig,
        strategy: StrategyConfig,
        build: BuildConfig,
        state: Path,
        materialise: Callable[[Artifact], Path],
        secrets: Mapping[str, str],
        env: Mapping[str, str],
        launchers: Mapping[ArtifactKind, Launcher],
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._port = config.port
        self._drain = strategy.drain
        self._say = say
        self._targets = state / "targets"
        # One of several targets, `production/eu`, has a folder beside those of the environments, not inside of one.
        self._directory = self._targets / service / environment.replace("/", "@")
        self._records = Records(self._directory / "revisions")
        self._traffic = Traffic(self._directory / TRAFFIC_FILE)
        self._proxy = Proxy(self._directory, config.port, path=env.get("PATH"), clock=clock, say=say)
        processes = ProcessLauncher(command=build.bundle.start, materialise=materialise, env=env)
        self._fleet = Fleet(
            directory=self._directory,
            records=self._records,
            launchers={ArtifactKind.BUNDLE: processes, **launchers},
            environment=environment,
            secrets=secrets,
            start_timeout=config.start_timeout,
            clock=clock,
            say=say,
        )

    def observe(self) -> Observation:
        """Say what is there, from the records, the processes and the traffic file. Changes nothing."""
        shares = self._traffic.read()
        revisions = (self._revision(record, shares) for record in self._records.all())
        url = f"http://{sockets.LOOPBACK}:{self._port}"
        return Observation(url, tuple(revisions), reachable=self._proxy.runs())

    def deploy_preview(self, release: Release) -> Revision:
        """Bring a release up in the slot that has no traffic, ending what an earlier rollout may have left there."""
        self._fleet.launcher(release)
        self._start_proxy()
        self._join_what_is_dead()
        shares = self._traffic.read()
        for record in self._records.all():
            if record.release == release and not shares[record.slot] and self._fleet.listens(record):
                return self._revision(record, shares)
        slot = self._free_slot(shares)
        for record in self._records.all():
            if record.slot is slot:
                self._say(f"ending {record.id}, left over without traffic")
                self.retire(record.id)
        port = slot_ports.choose(self._directory, slot, self._targets)
        return self._revision(self._fleet.start(release, slot, port), shares)

    def shift(self, weights: Mapping[str, int]) -> None:
        """Set the live traffic by one rename, and read it back."""
        shares = self._shares(weights)
        self._start_proxy()
        self._traffic.write(shares)
        if (now := self._traffic.read()) != shares:
            raise TargetError(
                f"{self._environment}: the traffic was set to {written(shares)} and reads {written(now)}.",
                why="Something else changes it at the same moment.",
            )

    def retire(self, revision_id: str) -> None:
        """Let a revision without traffic finish what it has begun, then end it and forget it."""
        record = self._records.find(revision_id)
        if record is None:
            return
        if share := self._traffic.read()[record.slot]:
            raise TargetError(
                f"{self._environment}: {revision_id} has {share} % of the traffic and is not ended.",
                fix="Shift its traffic to another revision first.",
            )
        self._fleet.retire(record, self._drain)

    def shutdown(self) -> None:
        """End the proxy and every revision at once. No part of a rollout: users get no answer afterwards."""
        self._proxy.stop()
        for record in self._records.all():
            self._fleet.end(record)
        self._traffic.remove()

    def _start_proxy(self) -> None:
        make_directory(self._directory)
        make_directory(self._directory / "revisions")
        for record in self._records.all():
            # The record is what is true: a file that was lost would have every request for this revision fail.
            slot_ports.keep(self._directory, record.slot, record.port)
        if not self._traffic.exists():
            self._traffic.write(NOBODY)
        self._proxy.ensure()

    def _join_what_is_dead(self) -> None:
        """Take its share of a split from a revision that has died: it serves nobody, and a slot becomes free."""
        shares = self._traffic.read()
        alive = {record.slot for record in self._records.all() if self._fleet.alive(record)}
        if all(shares.values()) and len(alive.intersection(Slot)) < len(Slot):
            keeps = max(Slot, key=lambda slot: (slot in alive, shares[slot]))
            self._traffic.write({**NOBODY, keeps: sum(shares.values())})

    def _free_slot(self, shares: Shares) -> Slot:
        for slot in Slot:
            if not shares[slot]:
                return slot
        raise TargetError(
            f"{self._environment}: both slots have traffic, so there is no room for a preview.",
            why="A rollout is under way, or was cut off between two steps.",
            fix="Run lockgate recover.",
        )

    def _shares(self, weights: Mapping[str, int]) -> Shares:
        shares = dict(NOBODY)
        for revision_id, weight in weights.items():
            record = self._records.find(revision_id)
            if record is None:
                raise TargetError(f"{self._environment}: there is no revision {revision_id}; nothing was shifted.")
            if weight and not self._fleet.alive(record):
                raise TargetError(
                    f"{self._environment}: {revision_id} does not run any more; nothing was shifted.",
                    why=f"What it printed: {self._fleet.log(record.slot)}",
                )
            shares[record.slot] += weight
        if shares not in SPLITS:
            raise TargetError(
                f"{self._environment}: {dict(weights)} is not a split of traffic; nothing was shifted.",
                fix=f"The weights must be multiples of {STEP} and add up to 100.",
            )
        return shares

    def _revision(self, record: Record, shares: Shares) -> Revision:
        release = record.release
        return Revision(
            id=record.id,
            digest=release.artifact.digest,
            version=release.version,
            commit=release.commit,
            url=f"http://{sockets.LOOPBACK}:{record.port}",
            weight=shares[record.slot],
            alive=self._fleet.alive(record),
            artifact=release.artifact,
        )
