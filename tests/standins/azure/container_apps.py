"""Microsoft.App: one container app and its revisions, each with a host of its own and a running copy."""

import random
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.standins.azure.front import Backend, Front
from tests.standins.azure.identity import Identity
from tests.standins.azure.messages import Answer, Request, error
from tests.standins.azure.operations import Operations, Style
from tests.standins.azure.server import StandInServer

Handle = Callable[[Request, re.Match[str]], Answer]


@dataclass
class AppRevision:
    """One revision."""

    name: str
    template: dict[str, Any]
    created: str
    backend: Backend
    host: str = ""
    active: bool = True


class ContainerApp:
    """One container app."""

    def __init__(
        self, server: StandInServer, identity: Identity, operations: Operations, front: Front, group: str, name: str
    ) -> None:
        self.identity, self.operations, self.front = identity, operations, front
        self.name = name
        self.path = f"{group}/providers/Microsoft.App/containerApps/{name}"
        self.revisions: dict[str, AppRevision] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.mode = "Multiple"
        self.traffic: list[dict[str, Any]] = [{"latestRevision": True, "weight": 100}]
        self.template: dict[str, Any] = {}
        self.affinity = "none"
        self.page = 2
        """Revisions in one page of their list."""
        self.host = front.host(self._for_users)
        self.users = f"http://{front.host(self._for_users, plain=True)}/"
        """The app without TLS, for a load."""
        mine = re.escape(self.path)
        for method, below, handle in [
            ("GET", "", lambda *_: Answer(200, self._app())),
            ("PATCH", "", self._update),
            ("POST", "/listSecrets", lambda *_: Answer(200, {"value": list(self.secrets.values())})),
            ("GET", "/revisions", self._list),
            ("GET", "/revisions/([^/]+)", self._get),
            ("POST", "/revisions/([^/]+)/deactivate", self._deactivate),
        ]:
            server.route(method, mine + below, self._signed(handle))

    def run(self, image: str, env: dict[str, str], suffix: str = "first") -> None:
        """Have the app run something that is there already, following its latest revision."""
        listed = [{"name": name, "value": value} for name, value in env.items()]
        container = {"name": "service", "image": image, "env": listed, "resources": {"cpu": 0.5, "memory": "1Gi"}}
        self._add({"revisionSuffix": suffix, "containers": [container], "scale": {"minReplicas": 1, "maxReplicas": 10}})

    def weights(self) -> dict[str, int]:
        """Percent by revision."""
        found: dict[str, int] = {}
        for entry in self.traffic:
            name = list(self.revisions)[-1] if entry.get("latestRevision") else entry["revisionName"]
            found[name] = found.get(name, 0) + entry["weight"]
        return found

    def _signed(self, handle: Handle) -> Handle:
        return lambda request, match: self.identity.authorise(request) or handle(request, match)

    def _for_users(self) -> Backend | None:
        dice = random.random() * 100
        for name, weight in self.weights().items():
            dice -= weight
            if dice < 0:
                return self._serving(name)
        return None

    def _serving(self, name: str) -> Backend | None:
        found = self.revisions[name]
        return found.backend if found.active else None

    def _update(self, request: Request, _: re.Match[str]) -> Answer:
        if self.operations.busy(self.path):
            text = f"Cannot modify the container app '{self.name}' because there is an active provisioning operation in progress."
            return error(409, "ContainerAppOperationInProgress", text)
        body = request.json
        properties = body["properties"]
        template = properties.get("template")
        if template and (name := f"{self.name}--{template['revisionSuffix']}") in self.revisions:
            known = self.revisions[name].template
            if known != template:
                return error(409, "ContainerAppRevisionSuffixConflict", f"Revision {name} exists already.")
        traffic = properties.get("configuration", {}).get("ingress", {}).get("traffic")
        if traffic is not None and (refused := self._wrong(traffic)):
            return refused
        return self.operations.begin(
            f"app {self.name}",
            self.path,
            lambda: self._merge(properties),
            style=Style.BOTH,
            result=lambda: Answer(200, self._app()),
        )

    def _wrong(self, traffic: list[dict[str, Any]]) -> Answer | None:
        if sum(entry.get("weight", 0) for entry in traffic) != 100:
            return error(400, "TrafficWeightsInvalid", "The traffic weights must add up to 100.")
        for entry in traffic:
            name = entry.get("revisionName")
            if name and (name not in self.revisions or not self.revisions[name].active):
                return error(400, "RevisionInactive", f"Revision {name} is not active.")
        return None

    def _merge(self, properties: dict[str, Any]) -> None:
        configuration = properties.get("configuration", {})
        for one in configuration.get("secrets", []):
            self.secrets[one["name"]] = one
        if (traffic := configuration.get("ingress", {}).get("traffic")) is not None:
            self.traffic = traffic
        template = properties.get("template")
        if template and f"{self.name}--{template['revisionSuffix']}" not in self.revisions:
            self._add(template)

    def _add(self, template: dict[str, Any]) -> None:
        name = f"{self.name}--{template['revisionSuffix']}"
        container = template["containers"][0]
        env = {one["name"]: one.get("value", "") for one in container["env"]}
        backend = self.front.launch(container["image"], env)
        found = AppRevision(name, deepcopy(template), datetime.now(UTC).isoformat(), backend)
        found.host = self.front.host(lambda: self._serving(name))
        self.revisions[name] = found
        self.template = deepcopy(template)
        if self.mode == "Single":
            for other in self.revisions.values():
                other.active = other is found
            self.traffic = [{"latestRevision": True, "weight": 100}]

    def _list(self, request: Request, _: re.Match[str]) -> Answer:
        skip = int(request.query.get("$skiptoken", "0"))
        found = list(self.revisions.values())
        body: dict[str, Any] = {"value": [self._revision(one) for one in found[skip : skip + self.page]]}
        if skip + self.page < len(found):
            base = request.url.partition("?")[0]
            body["nextLink"] = f"{base}?api-version={request.query['api-version']}&$skiptoken={skip + self.page}"
        return Answer(200, body)

    def _get(self, _: Request, match: re.Match[str]) -> Answer:
        found = self.revisions.get(match[1])
        return (
            Answer(200, self._revision(found)) if found else error(404, "RevisionNotFound", f"No revision {match[1]}.")
        )

    def _deactivate(self, _: Request, match: re.Match[str]) -> Answer:
        found = self.revisions.get(match[1])
        if found is None:
            return error(404, "RevisionNotFound", f"No revision {match[1]}.")
        if self.weights().get(found.name):
            return error(400, "RevisionHasTraffic", f"Revision {found.name} has traffic.")
        found.active = False
        found.backend.stop()
        return Answer(200)

    def _app(self) -> dict[str, Any]:
        latest = list(self.revisions)[-1]
        secrets = [{k: v for k, v in one.items() if k != "value"} for one in self.secrets.values()]
        ingress = {
            "fqdn": self.host,
            "external": True,
            "targetPort": 8000,
            "traffic": self.traffic,
            "stickySessions": {"affinity": self.affinity},
        }
        configuration = {"activeRevisionsMode": self.mode, "ingress": ingress, "secrets": secrets}
        properties = {
            "provisioningState": "InProgress" if self.operations.busy(self.path) else "Succeeded",
            "latestRevisionName": latest,
            "latestReadyRevisionName": latest,
            "configuration": configuration,
            "template": self.template,
        }
        return {
            "id": self.path,
            "name": self.name,
            "type": "Microsoft.App/containerApps",
            "location": "West Europe",
            "properties": properties,
        }

    def _revision(self, found: AppRevision) -> dict[str, Any]:
        dead = found.backend.behaviour.dead
        running = ("Failed" if dead else "Running") if found.active else "Stopped"
        properties = {
            "createdTime": found.created,
            "fqdn": found.host,
            "template": found.template,
            "active": found.active,
            "trafficWeight": self.weights().get(found.name, 0),
            "healthState": "Unhealthy" if dead else "Healthy",
            "provisioningState": "Provisioned",
            "runningState": running,
        }
        path = f"{self.path}/revisions/{found.name}"
        return {
            "id": path,
            "name": found.name,
            "type": "Microsoft.App/containerApps/revisions",
            "properties": properties,
        }
