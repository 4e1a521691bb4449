"""A rollout on the local Azure in this process: the commands' own parts, with a clock that runs faster."""

import argparse
import io
import threading
import time
from datetime import UTC, datetime

import yaml

from lockgate.adapters.connection import authorities
from lockgate.adapters.console import Console
from lockgate.adapters.runner import Runner
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands import recover
from lockgate.commands.platforms import open_target
from lockgate.commands.project import Project
from lockgate.commands.rollouts import Rollouts
from lockgate.core.release import Artifact, Release
from lockgate.core.rollout_model import Kind
from tests.integration.on_azure.shop import image
from tests.standins.azure import AzureStandIn
from tests.standins.azure.front import Behaviour
from tests.standins.azure.web import WebApp

FASTER = 20
_TRUST = threading.Lock()
_trusted: set[str] = set()


class FastClock:
    """What the product waits for passes twenty times faster; records keep the true time."""

    def now(self):
        return datetime.now(UTC)

    def monotonic(self):
        return time.monotonic() * FASTER

    def sleep(self, seconds):
        time.sleep(max(0.0, seconds) / FASTER)


class Place:
    """One app on the local Azure, and the machine that ships to it."""

    def __init__(self, root, azure: AzureStandIn, kind: str, name: str = "shop", *, trust: bool = True, **environment):
        self.azure, self.kind, self.name, self.root = azure, kind, name, root
        root.mkdir(parents=True, exist_ok=True)
        self.app = azure.web_app(name) if kind == "azure-app-service" else azure.container_app(name)
        gate = {
            "probes": [{"path": "/", "timeout": "10s"}],
            "version": {"header": "X-Version"},
            "rate": 20,
            "detect": "40%",
            "minimum_samples": 6,
            "minimum_span": "100ms",
            "pre_promotion": "8s",
            "bake": "400ms",
            "verify": "8s",
        }
        self.config = {
            "service": "shop",
            "build": {"kind": "docker", "registry": azure.registry.host},
            "budgets": {"response": "9s", "deploy": "1h"},
            "azure": {
                "tenant": azure.identity.tenant,
                "client": azure.application.client,
                "subscription": azure.subscription,
                "resource_group": azure.group,
                "cloud": {"resource_manager": azure.url, "authority": azure.url},
            },
            "environments": {
                "production": {
                    "target": {"kind": kind, "app": name, "start_timeout": "30s", **environment.pop("target", {})},
                    "strategy": {"steps": environment.pop("steps", [50, 100]), "pause": "200ms", "drain": "0s"},
                    "gate": gate | environment.pop("gate", {}),
                    **environment,
                }
            },
        }
        self.said = io.StringIO()
        if trust:
            _trust(str(azure.server.ca))

    def project(self):
        path = self.root / "lockgate.yml"
        path.write_text(yaml.safe_dump(self.config))
        env = {k: v for k, v in self.azure.environment.items() if k != "GITHUB_ACTIONS"}
        runner = Runner(env, stdout=io.StringIO())
        return Project(self.root, path, self.root / "state", runner, Console(self.said, clock=FastClock()), FastClock())

    def rollouts(self):
        """Everything that acts on production."""
        project = self.project()
        stop = ThreadStop(StopSignal())
        made = Rollouts(project, project.environment("production"), stop=stop)
        made.__dict__["target"] = open_target(project, made.environment, {}, stop)
        return made

    def begin(self, version="1.0", marks=None):
        """Have production run a version that is known and verified."""
        self.app.run(image(self.azure, version), marks or {})
        rollouts = self.rollouts()
        with rollouts.lease() as lease:
            active = rollouts.target.observe().active
            plan = rollouts.plan_for(active, self.release(version), Kind.ADOPT)
            state = rollouts.engine(lease, plan.rollout).start(plan)
        assert state.outcome == "deployed", self.said.getvalue()
        return self

    def release(self, version):
        return Release("shop", version, "c" * 40, Artifact.parse(f"image:{image(self.azure, version)}"))

    def behave(self, version, **behaviour):
        self.azure.front.behaviours[image(self.azure, version).rpartition("@")[2]] = Behaviour(**behaviour)

    def deploy(self, version="1.1", rollouts=None):
        """Deploy; give the state at the end."""
        rollouts = rollouts or self.rollouts()
        with rollouts.lease() as lease:
            plan = rollouts.plan(self.release(version), steps=rollouts.environment.strategy.steps, approval="")
            engine = rollouts.engine(lease, plan.rollout)
            self.reports = engine.reports
            return engine.start(plan)

    def recover(self):
        """Run the command, on a new machine: nothing but the ledger is left."""
        return recover.run(self.project(), argparse.Namespace(environment="production"))

    def in_production(self):
        """The digests that get users."""
        if isinstance(self.app, WebApp):
            slots = [self.app.production, *([self.app.preview] if self.app.production.rules else [])]
            return {slot.image.rpartition("@")[2] for slot in slots}
        weights = {name: weight for name, weight in self.app.weights().items() if weight}
        return {self.app.revisions[one].template["containers"][0]["image"].rpartition("@")[2] for one in weights}

    def serves(self, version):
        return self.in_production() == {image(self.azure, version).rpartition("@")[2]}

    def writes(self):
        """The calls so far that may change something."""
        asks = "/(list|listSecrets)$"
        found = self.azure.server.calls(f"^(PUT|PATCH|DELETE|POST) {self.app.path}")
        asked = {id(one) for one in self.azure.server.calls(asks)}
        return [one for one in found if id(one) not in asked]


def _trust(ca):
    """Let probes in this process trust the local Azure: SSL_CERT_FILE is read once."""
    with _TRUST:
        if ca not in _trusted:
            _trusted.add(ca)
            authorities().load_verify_locations(ca)
