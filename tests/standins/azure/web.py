"""Microsoft.Web: one web app on a plan, with production and a preview slot that run what they are told to.

Names, hosts and sticky settings stay where they are in a swap; image, other settings and the running copy are exchanged.
While a swap is prepared, both slots refuse other changes of their settings (Azure/azure-cli#27820).
"""

import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.standins.azure.front import Backend, Front
from tests.standins.azure.identity import Identity
from tests.standins.azure.messages import Answer, Request, error, web_conflict
from tests.standins.azure.operations import Operations
from tests.standins.azure.server import StandInServer

PREPARED = "The slot cannot be changed because its configuration settings have been prepared for swap."
Handle = Callable[[Request, "Slot"], Answer]


@dataclass
class Slot:
    """One slot."""

    name: str
    path: str
    image: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    running: bool = True
    prepared: bool = False
    backend: Backend | None = None
    rules: list[dict[str, Any]] = field(default_factory=list)
    host: str = ""


class WebApp:
    """One web app with a slot."""

    def __init__(
        self, server: StandInServer, identity: Identity, operations: Operations, front: Front, group: str, name: str
    ) -> None:
        self.identity, self.operations, self.front = identity, operations, front
        self.name = name
        self.plan = f"{group}/providers/Microsoft.Web/serverfarms/plan"
        path = f"{group}/providers/Microsoft.Web/sites/{name}"
        self.path = path
        self.production = Slot("production", path)
        self.preview = Slot("preview", f"{path}/slots/preview", running=False)
        self.sticky: list[str] = []
        self.swaps = 0
        """How many swaps have had their effect."""
        self.refuses_rules_while_prepared = False
        self.affinity = True
        self.production.host = front.host(self._for_users, pinned=lambda: self._serving(self.production))
        self.preview.host = front.host(lambda: self._serving(self.preview))
        self.users = f"http://{front.host(self._for_users, plain=True)}/"
        """Production without TLS, for a load."""
        for slot in (self.production, self.preview):
            for method, below, handle in self._routes():
                server.route(method, re.escape(slot.path) + below, self._bound(slot, handle))

    def run(self, image: str, settings: dict[str, str]) -> None:
        """Have production run something that is there already."""
        self.production.image, self.production.settings = f"DOCKER|{image}", dict(settings)
        self._relaunch(self.production)

    def _routes(self) -> list[tuple[str, str, Handle]]:
        return [
            ("GET", "", lambda _, slot: Answer(200, self._site(slot))),
            ("PATCH", "", self._update),
            ("GET", "/config/web", lambda _, slot: Answer(200, self._config(slot))),
            ("PATCH", "/config/web", self._update_config),
            ("POST", "/config/appsettings/list", lambda _, slot: Answer(200, self._resource(slot, "config/appsettings", self._seen(slot)))),
            ("GET", "/config/slotConfigNames", lambda _, slot: Answer(200, self._resource(slot, "config/slotConfigNames", {"appSettingNames": self.sticky}))),
            ("POST", "/applySlotConfig", self._apply),
            ("POST", "/resetSlotConfig", self._reset),
            ("POST", "/slotsswap", self._swap),
            ("POST", "/start", lambda _, slot: self._turn(slot, running=True)),
            ("POST", "/stop", lambda _, slot: self._turn(slot, running=False)),
        ]  # fmt: skip

    def _bound(self, slot: Slot, handle: Handle) -> Callable[[Request, re.Match[str]], Answer]:
        return lambda request, _: self.identity.authorise(request) or handle(request, slot)

    @property
    def busy(self) -> bool:
        """Whether a swap has begun and not ended."""
        return self.operations.busy(self.preview.path)

    def _serving(self, slot: Slot) -> Backend | None:
        return slot.backend if slot.running else None

    def _for_users(self) -> Backend | None:
        dice = random.random() * 100
        for rule in self.production.rules:
            dice -= rule["reroutePercentage"]
            if dice < 0:
                return self._serving(self.preview)
        return self._serving(self.production)

    def _update(self, request: Request, slot: Slot) -> Answer:
        if refused := self._refused():
            return refused
        config = request.json["properties"].get("siteConfig") or {}
        if "linuxFxVersion" in config:
            slot.image = config["linuxFxVersion"]
        if "appSettings" in config:
            slot.settings = {one["name"]: one["value"] for one in config["appSettings"]}
        self._relaunch(slot)
        return Answer(200, self._site(slot))

    def _update_config(self, request: Request, slot: Slot) -> Answer:
        properties = request.json["properties"]
        if self.busy:
            return web_conflict()
        if (self.refuses_rules_while_prepared or "linuxFxVersion" in properties) and (refused := self._refused()):
            return refused
        if "experiments" in properties:
            slot.rules = properties["experiments"]["rampUpRules"]
        if "linuxFxVersion" in properties:
            slot.image = properties["linuxFxVersion"]
            self._relaunch(slot)
        return Answer(200, self._config(slot))

    def _refused(self) -> Answer | None:
        if self.busy:
            return web_conflict()
        if self.preview.prepared:
            details = [{"Message": PREPARED}, {"Code": "Conflict"}]
            body = {"Code": "Conflict", "Message": PREPARED, "Target": None, "Details": details, "Innererror": None}
            return Answer(409, body)
        return None

    def _apply(self, request: Request, slot: Slot) -> Answer:
        if slot is self.production or request.json["targetSlot"] != "production":
            return error(400, "BadRequest", "The target slot does not exist.")
        if refused := self._refused():
            return refused
        if not slot.running:
            text = f"Cannot swap site slots for site '{self.name}' because the worker process for 'preview' slot could not be started."
            return error(400, "BadRequest", text)
        slot.prepared = True
        self._relaunch(slot)
        return Answer(200)

    def _reset(self, _: Request, slot: Slot) -> Answer:
        if self.busy:
            return web_conflict()
        slot.prepared = False
        self._relaunch(slot)
        return Answer(200)

    def _swap(self, request: Request, slot: Slot) -> Answer:
        if self.busy:
            return web_conflict()
        if not slot.running:
            return error(400, "BadRequest", "the worker process for 'preview' slot could not be started")
        return self.operations.begin(f"swap {self.name}", self.preview.path, self._exchange)

    def _exchange(self) -> None:
        one, other = self.production, self.preview
        one.image, other.image = other.image, one.image
        one.backend, other.backend = other.backend, one.backend
        kept = {
            slot.name: {name: value for name, value in slot.settings.items() if name in self.sticky}
            for slot in (one, other)
        }
        moved = [{n: v for n, v in slot.settings.items() if n not in self.sticky} for slot in (one, other)]
        one.settings, other.settings = {**moved[1], **kept[one.name]}, {**moved[0], **kept[other.name]}
        other.prepared = False
        self.swaps += 1

    def _turn(self, slot: Slot, *, running: bool) -> Answer:
        if self.busy:
            return web_conflict()
        slot.running = running
        if running and slot.backend is None:
            self._relaunch(slot)
        return Answer(200)

    def _relaunch(self, slot: Slot) -> None:
        """Start it anew with the settings it has to see, and only then let the old copy go."""
        old = slot.backend
        slot.backend = self.front.launch(slot.image, self._seen(slot)) if slot.image else None
        if old is not None:
            old.stop()

    def _seen(self, slot: Slot) -> dict[str, str]:
        """Give the settings that a slot has: while a swap is prepared, production's in place of its own sticky ones."""
        if not slot.prepared:
            return dict(slot.settings)
        own = {name: value for name, value in slot.settings.items() if name not in self.sticky}
        return {**own, **{n: v for n, v in self.production.settings.items() if n in self.sticky}}

    def _site(self, slot: Slot) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "state": "Running" if slot.running else "Stopped",
            "enabled": True,
            "defaultHostName": slot.host,
            "hostNames": [slot.host],
            "serverFarmId": self.plan,
            "clientAffinityEnabled": self.affinity,
        }
        if slot.prepared:
            properties["targetSwapSlot"] = "production"
        if self.busy:
            properties["inProgressOperationId"] = str(uuid.uuid4())
        kind = "Microsoft.Web/sites" if slot is self.production else "Microsoft.Web/sites/slots"
        name = self.name if slot is self.production else f"{self.name}/{slot.name}"
        return {
            "id": slot.path,
            "name": name,
            "type": kind,
            "kind": "app,linux,container",
            "location": "West Europe",
            "properties": properties,
        }

    def _config(self, slot: Slot) -> dict[str, Any]:
        return self._resource(
            slot, "config/web", {"linuxFxVersion": slot.image, "experiments": {"rampUpRules": slot.rules}}
        )

    def _resource(self, slot: Slot, below: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": f"{slot.path}/{below}",
            "name": below.rpartition("/")[2],
            "type": "Microsoft.Web/sites/config",
            "properties": properties,
        }
