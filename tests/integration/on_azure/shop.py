"""A project whose production is on the local Azure, driven through the command line as a person would."""

from typing import Any

import yaml

from tests.integration.rollout.shop import Shop
from tests.standins.azure import AzureStandIn
from tests.standins.azure.front import Behaviour
from tests.standins.azure.web import WebApp

KINDS = ("azure-app-service", "azure-container-apps")
GATE = {
    "probes": [{"path": "/", "json": {}, "timeout": "10s"}],
    "version": {"header": "X-Version"},
    "rate": 20,
    "detect": "30%",
    "minimum_samples": 10,
    "minimum_span": "300ms",
    "pre_promotion": "8s",
    "bake": "600ms",
    "verify": "8s",
}


def image(azure: AzureStandIn, version: str) -> str:
    """Have the registry hold the image of a version, and name it by digest."""
    return f"{azure.registry.host}/shop@{azure.registry.push('shop', version)}"


class AzureShop(Shop):
    """One service with one environment on Azure; `app` is what the local Azure has."""

    def __init__(self, root, azure: AzureStandIn, kind: str, **target: Any) -> None:
        self.root, self.azure, self.kind = root, azure, kind
        self.state = root / ".lockgate"
        on_slots = kind == "azure-app-service"
        self.app = azure.web_app() if on_slots else azure.container_app()
        self.config = {
            "service": "shop",
            "build": {"kind": "docker", "registry": azure.registry.host},
            "budgets": {"response": "5s"},
            "azure": {
                "tenant": azure.identity.tenant,
                "client": azure.application.client,
                "subscription": azure.subscription,
                "resource_group": azure.group,
                "cloud": {"resource_manager": azure.url, "authority": azure.url},
            },
            "environments": {
                "production": {
                    "target": {"kind": kind, "app": "shop", "start_timeout": "5s", **target},
                    "strategy": {"steps": [50, 100], "pause": "600ms", "drain": "0s"},
                    "gate": dict(GATE),
                }
            },
        }
        self.write()

    def write(self):
        (self.root / "lockgate.yml").write_text(yaml.safe_dump(self.config))

    def start(self, *words, **env):
        return super().start(*words, **self.azure.environment, **env)

    def image(self, version):
        return image(self.azure, version)

    def behave(self, version, **behaviour):
        self.azure.front.behaviours[self.image(version).rpartition("@")[2]] = Behaviour(**behaviour)

    def begin(self, version="1.0"):
        """Have production run something, as if Lockgate had not been there, and take it in."""
        self.app.run(self.image(version), {})
        code, result, told = self.lockgate("adopt", "production")
        assert (code, result["decision"]) == (0, "deployed"), told

    def deploy(self, version, *words, **behaviour):
        self.behave(version, **behaviour)
        return self.lockgate(
            "deploy", "production", "--image", f"image:{self.image(version)}", "--version", version, *words
        )

    def digest_in_production(self):
        """What the platform has there, all of the traffic; "" where it is split."""
        if isinstance(self.app, WebApp):
            return "" if self.app.production.rules else self.app.production.image.rpartition("@")[2]
        weights = {name: weight for name, weight in self.app.weights().items() if weight}
        (name, *others) = weights
        return "" if others else self.app.revisions[name].template["containers"][0]["image"].rpartition("@")[2]

    def serves(self, version):
        return self.digest_in_production() == self.image(version).rpartition("@")[2]
