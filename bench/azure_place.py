"""One app on the local Azure that is shipped to in this process, by a clock that only moves when somebody waits."""

import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

from bench.azure_looker import Looker, Told
from lockgate.adapters.console import Console
from lockgate.adapters.runner import Runner
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands.azure import hold_digest
from lockgate.commands.project import Project
from lockgate.commands.revive import make_whole
from lockgate.commands.rollouts import Rollouts
from lockgate.core.release import Artifact, Release
from lockgate.core.rollout_model import Kind, State
from lockgate.engine import Engine
from tests.standins.azure import AzureStandIn
from tests.standins.azure.web import WebApp
from tests.standins.azure.wire import QuietFront, VirtualClock, Wire

if TYPE_CHECKING:
    from lockgate.core.ledger import Ledger, LedgerEvent

KINDS = ("azure-app-service", "azure-container-apps")
OLD, NEW, NEXT = "1.0", "1.1", "1.2"
LEASE_ENDED = 61.0
KEPT = "kept.db"


class AzurePlace:
    """The app, the machine that ships to it, and what both were like before anything went wrong."""

    def __init__(self, root: Path, kind: str) -> None:
        self.root, self.kind = root, kind
        self.clock, self.said = VirtualClock(), io.StringIO()
        self.azure = AzureStandIn(root)
        self.azure.operations.now = self.clock.monotonic
        self.front = QuietFront(self.azure.server)
        self.azure.__dict__["front"] = self.front
        self.images = {version: self._push(version) for version in (OLD, NEW, NEXT)}
        self.azure.vault.set("database-url", "postgres://shop")
        self.app = self.azure.web_app() if kind == "azure-app-service" else self.azure.container_app()
        self.wire = Wire(self.azure)
        self.looker = Looker(self.front, self.clock)
        self.journaled: Callable[[str, LedgerEvent], None] = lambda *_: None
        """Told "before" and "after" each line of a rollout's journal is written."""
        self._machines = 0
        self._config: Any = None
        self.state = self._new_machine()
        with self.wire:
            self.begin()
        self._ledger = root / "seeded.db"
        shutil.copy(self.state / "ledger.db", self._ledger)

    def close(self) -> None:
        """Stop the sign-in's server."""
        self.azure.__exit__(None, None, None)

    def release(self, version: str) -> Release:
        """Give a version that the registry holds."""
        return Release("shop", version, "c" * 40, Artifact.parse(f"image:{self.images[version]}"))

    def begin(self) -> None:
        """Have production run a version that is known and verified."""
        self.app.run(self.images[OLD], {})
        rollouts, engine_of = self.machine()
        with rollouts.lease() as lease:
            active = rollouts.target.observe().active
            if active is None:
                raise AssertionError(self.said.getvalue())
            plan = rollouts.plan_for(active, self.release(OLD), Kind.ADOPT)
            ended = engine_of(rollouts.engine(lease, plan.rollout)).start(plan)
        if ended.outcome != "deployed":
            raise AssertionError(self.said.getvalue())

    def reset(self) -> None:
        """Have everything as it was before the last cell."""
        self.clock.passed += 86_400.0
        azure, app = self.azure, self.app
        azure.faults.waiting.clear()
        azure.server.exchanges.clear()
        heal(azure)
        azure.operations.all.clear()
        if isinstance(app, WebApp):
            app.production.rules = []
            app.preview.image, app.preview.settings, app.preview.backend = "", {}, None
            app.preview.running = app.preview.prepared = False
            app.swaps = 0
        else:
            app.revisions.clear()
            app.secrets.clear()
            app.traffic = [{"latestRevision": True, "weight": 100}]
        app.run(self.images[OLD], {})
        self.wire.calls.clear()
        self.wire.later = 0.0
        self.wire.before = self.wire.after = lambda _: None
        self.journaled = lambda *_: None
        self.looker = Looker(self.front, self.clock)
        self.said.seek(0)
        self.said.truncate()
        self.state = self._new_machine()
        shutil.copy(self._ledger, self.state / "ledger.db")

    def keep_ledger(self) -> None:
        """Keep the ledger as it is now: the process dies, and what it would still write is never written."""
        shutil.copy(self.state / "ledger.db", self.state / KEPT)

    def move(self) -> None:
        """Go on on another machine: of this one, nothing but the ledger is left. A dead holder's lease runs out."""
        kept = self.state / KEPT
        ledger = kept if kept.exists() else self.state / "ledger.db"
        self.state = self._new_machine()
        shutil.copy(ledger, self.state / "ledger.db")
        self.clock.sleep(LEASE_ENDED)

    def deploy(self, version: str) -> State:
        """Do as `lockgate deploy` does."""
        rollouts, engine_of = self.machine()
        release = self.release(version)
        hold_digest(rollouts.project, rollouts.environment, release.artifact)
        with rollouts.lease() as lease:
            plan = rollouts.plan(release, steps=rollouts.environment.strategy.steps, approval="")
            ended: State = engine_of(rollouts.engine(lease, plan.rollout)).start(plan)
        return ended

    def recover(self) -> list[State]:
        """Do as `lockgate recover` does."""
        rollouts, engine_of = self.machine()
        plain = rollouts.engine
        rollouts.__dict__["engine"] = lambda lease, rollout: engine_of(plain(lease, rollout))
        with rollouts.lease() as lease:
            return [state for state, _ in make_whole(rollouts, lease)]

    def machine(self) -> tuple[Rollouts, Any]:
        """Give what acts on production from this machine, and what puts our judge into an engine."""
        path = self.root / "lockgate.yml"
        if self._config is None:
            path.write_text(yaml.safe_dump(self._as_config()))
        env = {name: value for name, value in self.azure.environment.items() if name != "GITHUB_ACTIONS"}
        runner, console = Runner(env, stdout=io.StringIO()), Console(self.said, clock=self.clock)
        project = Project(self.root, path, self.state, runner, console, self.clock)
        if self._config:
            project.__dict__["config"] = self._config
        self._config = project.config
        return Rollouts(project, project.environment("production"), stop=ThreadStop(StopSignal())), self._judged

    def journal(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Give every line of every rollout: rollout, kind, data."""
        with closing(sqlite3.connect(self.state / "ledger.db")) as db:
            rows = db.execute("select rollout, kind, data from journal order by position")
            return [(rollout, kind, json.loads(data)) for rollout, kind, data in rows]

    def serving(self) -> dict[str, int]:
        """Give the percent of the users that each version gets."""
        names = {image.rpartition("@")[2]: version for version, image in self.images.items()}
        shares: dict[str, int] = {}
        for image, share in self._shares():
            version = names[image.rpartition("@")[2]]
            shares[version] = shares.get(version, 0) + share
        return {version: share for version, share in shares.items() if share}

    def left_over(self) -> list[str]:
        """Say what is there besides what serves."""
        if isinstance(self.app, WebApp):
            preview = self.app.preview
            return [word for word in ("running", "prepared") if getattr(preview, word)]
        active = [name for name, one in self.app.revisions.items() if one.active]
        return active[1:]

    def _shares(self) -> Iterator[tuple[str, int]]:
        if isinstance(self.app, WebApp):
            moved = sum(rule["reroutePercentage"] for rule in self.app.production.rules)
            yield self.app.production.image, 100 - moved
            if moved:
                yield self.app.preview.image, moved
            return
        for name, weight in self.app.weights().items():
            yield self.app.revisions[name].template["containers"][0]["image"], weight

    def _judged(self, engine: Engine) -> Engine:
        engine.judge = self.looker
        engine.journal.ledger = cast("Ledger", Told(engine.journal.ledger, self.journaled))
        return engine

    def _new_machine(self) -> Path:
        self._machines += 1
        folder = self.root / f"machine-{self._machines}"
        folder.mkdir()
        shutil.rmtree(self.root / f"machine-{self._machines - 3}", ignore_errors=True)
        return folder

    def _push(self, version: str) -> str:
        digest = self.azure.registry.push("shop", version)
        return f"{self.azure.registry.host}/shop@{digest}"

    def _as_config(self) -> dict[str, Any]:
        identity = self.azure.identity
        return {
            "service": "shop",
            "build": {"kind": "docker", "registry": self.azure.registry.host},
            "budgets": {"deploy": "1h"},
            "azure": {
                "tenant": identity.tenant,
                "client": self.azure.application.client,
                "subscription": self.azure.subscription,
                "resource_group": self.azure.group,
                "cloud": {"resource_manager": self.azure.url, "authority": self.azure.url},
            },
            "secrets": {"DATABASE_URL": {"env": "DATABASE_URL", "vault": "database-url"}},
            "environments": {
                "production": {
                    "azure": {"key_vault": self.azure.url},
                    "target": {"kind": self.kind, "app": "shop"},
                    "strategy": {"steps": [50, 100], "pause": "1s", "drain": "0s"},
                    "integration": {"command": "true"},
                    "gate": {"probes": [{"path": "/"}], "version": {"header": "X-Version"}},
                }
            },
        }


def heal(azure: AzureStandIn) -> None:
    """Let Azure be well again: what was stuck ends, and nobody lacks a role."""
    azure.faults.waiting.clear()
    azure.operations.following = None
    azure.operations.plans.clear()
    azure.operations.unstick()
    azure.application.revoked = False
    azure.identity.assertion_seconds = 300.0
