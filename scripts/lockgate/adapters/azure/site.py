"""The calls to one web app and its preview slot, and what they read. One method for each call; nothing is decided here.

Microsoft.Web 2023-12-01. Settings are read by a POST (`list`), which only asks.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate.adapters.azure.arm import Arm
from lockgate.core import app_service
from lockgate.core.app_service import PRODUCTION, Site
from lockgate.core.release import Release

API = "2023-12-01"
SWAP_SECONDS = 240.0
_CHANGE_SECONDS = 120.0


class SiteCalls:
    """One web app. What is remembered between calls is what does not change, or what a swap has only exchanged.

    Settings that stay with their slot are not exchanged, and while a swap is prepared the preview slot lists those of
    production: what was remembered over any of this is good for a release's marks, and never to be written back.
    """

    def __init__(self, arm: Arm, group: str, app: str, slot: str) -> None:
        self._arm = arm
        self._site = f"{group}/providers/Microsoft.Web/sites/{app}"
        self._slot = slot
        self._preview = f"{self._site}/slots/{slot}"
        self._documents: tuple[Any, Any] | None = None
        self._read_configs: tuple[Any, Any] = ({}, {})
        self._settings: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
        self._images: tuple[str, str] = ("", "")
        self.read_whole = False
        """Whether everything was read, and no settings were copied or exchanged since."""
        self.other_rules: list[str] = []
        """Other slots that production sends users to, as last read."""

    @property
    def settings_of_preview(self) -> Mapping[str, str]:
        """The preview slot's settings, as last read."""
        return self._settings[1]

    @property
    def settings_of_production(self) -> Mapping[str, str]:
        """Production's settings, as last read."""
        return self._settings[0]

    @property
    def plan(self) -> str:
        """The id of the App Service plan."""
        return str(self._documents[0]["properties"].get("serverFarmId", "")) if self._documents else ""

    @property
    def location(self) -> str:
        """The region."""
        return str(self._documents[0]["location"]) if self._documents else ""

    @property
    def document(self) -> Mapping[str, Any]:
        """Production's document, as last read."""
        return self._documents[0] if self._documents else {}

    def read(self) -> Site:
        """Read both slots: documents, configs and settings."""
        self._documents = (self._arm.get(self._site, API), self._arm.get(self._preview, API))
        configs = self._configs()
        self._read_settings()
        self.read_whole = True
        return self._joined(configs)

    def read_again(self) -> Site:
        """Read both slots anew, and the settings only where the images do not tell the releases apart."""
        if self._documents is not None:
            self._documents = (self._arm.get(self._site, API), self._arm.get(self._preview, API))
        return self.read_quickly()

    def read_to_stop(self) -> Site:
        """Read what says whether the preview slot may be stopped; production's document has nothing to do with that."""
        if self._documents is not None:
            self._documents = (self._documents[0], self._arm.get(self._preview, API))
        return self.read_quickly()

    def read_preview(self) -> Site:
        """Read the preview slot alone, after a change of nothing else: production is as it was read last."""
        if self._documents is None:
            return self.read()
        self._documents = (self._documents[0], self._arm.get(self._preview, API))
        self._read_configs = (self._read_configs[0], self._arm.get(f"{self._preview}/config/web", API))
        self._images = (self._images[0], app_service.image_of(self._read_configs[1]))
        self._settings = (self._settings[0], self._listed(self._preview))
        return self._joined(self._read_configs)

    def read_rules(self) -> Site:
        """Read production's rules, after a change of nothing else."""
        self._read_configs = (self._arm.get(f"{self._site}/config/web", API), self._read_configs[1])
        return self._joined(self._read_configs)

    def read_quickly(self) -> Site:
        """Read both configs only, where their images tell the releases apart; else everything."""
        if self._documents is None:
            return self.read()
        known = self._images
        configs = self._configs()
        if self._images[0] == self._images[1]:
            self._read_settings()
        elif self._images == known[::-1]:
            self._settings = self._settings[::-1]
            self.read_whole = False
        elif self._images != known:
            self._read_settings()
        return self._joined(configs)

    def stopped(self, site: Site) -> Site:
        """Give what was read, with the preview slot stopped since."""
        if self._documents:
            document = self._documents[1]
            properties = {**document["properties"], "state": "Stopped", "targetSwapSlot": None}
            self._documents = (self._documents[0], {**document, "properties": properties})
        return replace(site, preview=replace(site.preview, running=False, prepared=False))

    def put_release(self, release: Release, settings: Mapping[str, str]) -> None:
        """Set image and settings of the preview slot in one call: never one without the other."""
        config = app_service.image_config(release)["properties"]
        listed = [{"name": name, "value": value} for name, value in settings.items()]
        body = {"properties": {"siteConfig": {**config, "appSettings": listed}}}
        self._arm.change("PATCH", self._preview, API, body, timeout=_CHANGE_SECONDS)

    def turn(self, what: str) -> None:
        """Start or stop the preview slot. Done twice it is done once."""
        self._arm.send("POST", f"{self._preview}/{what}", API, repeatable=True)

    def apply(self) -> None:
        """First phase of a swap: give the preview slot production's sticky settings."""
        self.read_whole = False
        self._arm.send("POST", f"{self._preview}/applySlotConfig", API, self._towards_production())

    def reset(self) -> None:
        """Undo the first phase. Done twice it is done once."""
        self.read_whole = False
        self._arm.send("POST", f"{self._preview}/resetSlotConfig", API, repeatable=True)

    def swap(self, timeout: float) -> None:
        """Second phase, and the only call that must never be sent twice: a second swap puts the old release back."""
        self._arm.change("POST", f"{self._preview}/slotsswap", API, self._towards_production(), timeout=timeout)

    def route(self, share: int, host: str) -> None:
        """Send a share of production's users to the preview slot."""
        body = app_service.rules(self._slot, host, share)
        self._arm.change("PATCH", f"{self._site}/config/web", API, body, timeout=_CHANGE_SECONDS)

    def sticky_names(self) -> Mapping[str, Any]:
        """Read which settings stay with their slot."""
        found: Mapping[str, Any] = self._arm.get(f"{self._site}/config/slotConfigNames", API)
        return found

    def _towards_production(self) -> dict[str, Any]:
        return {"targetSlot": PRODUCTION, "preserveVnet": True}

    def _configs(self) -> tuple[Any, Any]:
        configs = (self._arm.get(f"{self._site}/config/web", API), self._arm.get(f"{self._preview}/config/web", API))
        self._images = (app_service.image_of(configs[0]), app_service.image_of(configs[1]))
        self._read_configs = configs
        return configs

    def _read_settings(self) -> None:
        self._settings = (self._listed(self._site), self._listed(self._preview))

    def _listed(self, resource: str) -> Mapping[str, str]:
        body = self._arm.ask(f"{resource}/config/appsettings/list", API)
        return dict(body.get("properties") or {})

    def _joined(self, configs: tuple[Any, Any]) -> Site:
        documents = self._documents or ({}, {})
        host = documents[1]["properties"]["defaultHostName"]
        share = app_service.share_of(configs[0], host)
        self.other_rules = app_service.other_rules(configs[0], host)
        return Site(
            app_service.slot(PRODUCTION, documents[0], self._images[0], self._settings[0], 100 - share),
            app_service.slot(self._slot, documents[1], self._images[1], self._settings[1], share),
        )
