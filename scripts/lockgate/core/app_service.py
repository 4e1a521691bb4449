"""What an App Service site with a production slot and a preview slot means, and what a swap between them has done.

Shapes: Microsoft.Web 2023-12-01. A slot keeps its name, its host and its sticky settings; everything else moves with a
swap, so a revision is known by its marks and its digest, never by where it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lockgate.core import azure_marks
from lockgate.core.azure_marks import Marked
from lockgate.core.release import Release
from lockgate.core.target import Observation, Revision

Document = Mapping[str, Any]

PRODUCTION = "production"
RUNNING = "Running"
FULL = 100
_DOCKER = "DOCKER|"
_PINNED = "x-ms-routing-name=self"
"""The cookie of a user whom a rule has sent to production: at production's address the others are sent by chance."""
_WARM_UP = ("WEBSITE_SWAP_WARMUP_PING_PATH", "WEBSITE_SWAP_WARMUP_PING_STATUSES")
WARM_STATUSES = "200,202"


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot as it is now."""

    name: str
    host: str
    running: bool
    marked: Marked
    prepared: bool = False
    """Production's settings are applied to it, for a swap that has not come yet: Azure refuses other changes."""
    busy: bool = False
    """Azure is in the middle of an operation on it."""
    revision_weight: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing that can be told apart is in it."""
        return not self.marked.digest

    def revision(self) -> Revision:
        """Give it as a revision."""
        found = self.marked
        url = f"https://{self.host}"
        return Revision(
            found.id,
            found.digest,
            found.version,
            found.commit,
            url,
            self.revision_weight,
            self.running,
            found.artifact,
            found.named,
            _PINNED if self.name == PRODUCTION and self.revision_weight < FULL else "",
        )


@dataclass(frozen=True, slots=True)
class Site:
    """Both slots, read at one time."""

    production: Slot
    preview: Slot

    def observation(self) -> Observation:
        """Give what the platform says. A slot that nothing was ever deployed to has no revision."""
        slots = [self.production, self.preview]
        filled = [slot for slot in slots if not slot.marked.placeholder]
        revisions = tuple(slot.revision() for slot in filled if not slot.empty or slot.revision_weight)
        return Observation(f"https://{self.production.host}", revisions)

    def find(self, revision: str) -> Slot | None:
        """Give the slot that holds a revision; where both do, production."""
        return next((slot for slot in (self.production, self.preview) if slot.marked.id == revision), None)

    @property
    def share(self) -> int:
        """Percent of the users that are sent to the preview slot."""
        return self.preview.revision_weight


def slot(name: str, document: Document, image: str, settings: Mapping[str, str], weight: int) -> Slot:
    """Read a slot from its document, its image, its settings and its share."""
    properties = document["properties"]
    marked = azure_marks.read(image.removeprefix(_DOCKER), settings, name)
    return Slot(
        name=name,
        host=properties["defaultHostName"],
        running=properties.get("state", RUNNING) == RUNNING and properties.get("enabled", True),
        marked=marked,
        prepared=bool(properties.get("targetSwapSlot")),
        busy=bool(properties.get("inProgressOperationId")),
        revision_weight=weight,
    )


class Swap(StrEnum):
    """What became of a swap, by what both slots hold afterwards."""

    DONE = "done"
    NOT_DONE = "not done"
    PENDING = "pending"
    """Not done, and Azure is still at work: it may come."""
    UNKNOWN = "unknown"


def decide(before: Site, after: Site) -> Swap:
    """Decide what a swap has done: by marks and digest of both slots, never by what a call or a poll answered."""
    old, new = _held(before), _held(after)
    if new == old[::-1]:
        return Swap.DONE
    if new != old:
        return Swap.UNKNOWN
    return Swap.PENDING if after.production.busy or after.preview.busy else Swap.NOT_DONE


def _held(site: Site) -> tuple[tuple[str, str], tuple[str, str]]:
    production, preview = site.production.marked, site.preview.marked
    return (production.id, production.digest), (preview.id, preview.digest)


def share_of(config: Document, preview_host: str) -> int:
    """Give the percent of the users that production's rules send to the preview slot."""
    return round(sum(rule.get("reroutePercentage") or 0 for rule in _rules(config) if _leads_to(rule, preview_host)))


def other_rules(config: Document, preview_host: str) -> list[str]:
    """Name the rules that send users to another slot: traffic that Lockgate does not move."""
    return [
        rule.get("name") or rule.get("actionHostName", "?")
        for rule in _rules(config)
        if rule.get("reroutePercentage") and not _leads_to(rule, preview_host)
    ]


def rules(slot_name: str, host: str, share: int) -> dict[str, Any]:
    """Give the site config that sends so many percent of production's users to the slot; none for 0."""
    rule = {"name": slot_name, "actionHostName": host, "reroutePercentage": share}
    return {"properties": {"experiments": {"rampUpRules": [rule] if share else []}}}


def _rules(config: Document) -> Sequence[Document]:
    experiments = config["properties"].get("experiments") or {}
    return experiments.get("rampUpRules") or []


def _leads_to(rule: Document, host: str) -> bool:
    return str(rule.get("actionHostName", "")).lower() == host.lower()


def image_of(config: Document) -> str:
    """Give the image a slot's config names, as written there; "" where none is."""
    return str(config["properties"].get("linuxFxVersion") or "")


def image_config(release: Release) -> dict[str, Any]:
    """Give the site config that runs a release's image, by digest."""
    return {"properties": {"linuxFxVersion": f"{_DOCKER}{release.artifact.reference}"}}


def settings_for(
    found: Mapping[str, str], marks: Mapping[str, str], references: Mapping[str, str], warm_up: str
) -> dict[str, str]:
    """Give a slot's settings for a release: what is there, the marks, the secrets' references and the warm-up."""
    ping = dict(zip(_WARM_UP, (warm_up, WARM_STATUSES), strict=True)) if warm_up else {}
    return {**found, **references, **ping, **marks}


def warm_up_missing(settings: Mapping[str, str]) -> str:
    """Say what is missing for Azure to wait for a healthy answer before a swap; "" where nothing is."""
    if settings.get(_WARM_UP[0]) and settings.get(_WARM_UP[1]):
        return ""
    return (
        "Azure takes any status, a 500 too, for warm before a swap: set target.warm_up to a path that answers 200 "
        "when the service is ready (Lockgate's own gate judges it in any case)"
    )


def sticky_differences(
    names: Document, production: Mapping[str, str], preview: Mapping[str, str], ours: Sequence[str] = ()
) -> list[str]:
    """Name the settings that differ between the slots, and whether they stay or move; never a value."""
    sticky = set(names["properties"].get("appSettingNames") or [])
    told = []
    for name in sorted({*production, *preview} - set(ours)):
        if production.get(name) == preview.get(name):
            continue
        where = "in both" if name in production and name in preview else "only in production"
        where = "only in the preview slot" if name not in production else where
        stays = "stays with its slot" if name in sticky else "moves with the release"
        told.append(f"{name}: {where}, {stays}")
    return told
