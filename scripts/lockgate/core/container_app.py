"""What a container app and its revisions mean, and how its traffic and its template are edited.

Shapes: Microsoft.App 2024-03-01. Traffic is a list that is replaced whole; a deactivated revision stays in it until
somebody takes it out (microsoft/azure-container-apps#410).
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from lockgate.core import azure_answers, azure_marks
from lockgate.core.release import Release
from lockgate.core.target import Observation, Revision

Document = Mapping[str, Any]
Entry = dict[str, Any]

FULL = 100
MULTIPLE = "multiple"
_DEAD = {"failed", "stopped"}


def single_mode(app: Document) -> bool:
    """Whether the app keeps one revision only: there, setting weights does nothing, and says nothing."""
    return str(_configuration(app).get("activeRevisionsMode") or "Single").lower() != MULTIPLE


def busy(app: Document) -> bool:
    """Whether Azure is at work on the app: what was read may still change."""
    return azure_answers.provisioning(app) is azure_answers.Standing.RUNNING


def observation(app: Document, revisions: Iterable[Document]) -> Observation:
    """Give what the platform says; a revision that only keeps the place is nobody's release."""
    weights, ours = weights_of(app), list(revisions)
    placeholders = placeholders_of(ours)
    active = [one for one in ours if one["properties"].get("active") and one["name"] not in placeholders]
    found = tuple(_revision(one, weights) for one in active)
    return Observation(f"https://{_ingress(app).get('fqdn', '')}", found)


def placeholders_of(revisions: Iterable[Document]) -> list[str]:
    """Name the active revisions that run what Azure puts into a new app."""
    active = (one for one in revisions if one["properties"].get("active"))
    return [one["name"] for one in active if azure_marks.read(_image(one), {}, "").placeholder]


def weights_of(app: Document) -> dict[str, int]:
    """Give the percent by revision name; what goes to "the latest" is its who is the latest ready one now."""
    weights: dict[str, int] = {}
    for entry in traffic_of(app):
        if weight := entry.get("weight") or 0:
            name = name_of(app, entry)
            weights[name] = weights.get(name, 0) + weight
    return weights


def traffic_of(app: Document) -> list[Entry]:
    """Give the traffic list; an app that has none sends everything to its latest revision."""
    return list(_ingress(app).get("traffic") or [{"latestRevision": True, "weight": FULL}])


def follows_latest(app: Document) -> bool:
    """Whether a new revision would get traffic at once, because an entry says "the latest"."""
    return any(entry.get("latestRevision") for entry in traffic_of(app))


def edited(app: Document, weights: Mapping[str, int], active: Iterable[str]) -> list[Entry]:
    """Give the traffic list for these weights: by revision name, labels kept, and nothing left of what does not run."""
    running = set(active)
    labels = {name_of(app, entry): entry["label"] for entry in traffic_of(app) if entry.get("label")}
    kept = [name for name in labels if name in running and name not in weights]
    order = [*(name for name, weight in weights.items() if weight or name in labels), *kept]
    return [
        {"revisionName": name, "weight": weights.get(name, 0)} | ({"label": labels[name]} if name in labels else {})
        for name in order
    ]


def same_list(found: Sequence[Document], wanted: Sequence[Document]) -> bool:
    """Whether two traffic lists say the same, in any order: an entry of 0 % that is too many makes them differ."""
    return _entries(found) == _entries(wanted)


def traffic_patch(app: Document, entries: Sequence[Entry]) -> dict[str, Any]:
    """Give the body that sets the traffic and nothing else. The description requires the location, also here."""
    return {
        "location": app["location"],
        "properties": {"configuration": {"ingress": {"traffic": list(entries)}}},
    }


def template_patch(
    app: Document,
    release: Release,
    suffix: str,
    environment: Sequence[Entry],
    scale: Document | None,
) -> dict[str, Any]:
    """Give the body that brings up a new revision: the whole template, because what is left out would vanish."""
    template = deepcopy(dict(app["properties"].get("template") or {}))
    container = main_container(template, release.artifact.name)
    container["image"] = release.artifact.reference
    container["env"] = _with(container.get("env") or [], environment)
    template["revisionSuffix"] = suffix
    if scale is not None:
        template["scale"] = {**(template.get("scale") or {}), **scale}
    return {"location": app["location"], "properties": {"template": template}}


def main_container(template: Document, image: str) -> Entry:
    """Give the container of the service among its side-cars: the one with its image's name, else the first."""
    containers: list[Entry] = template.get("containers") or [{"name": "service"}]
    return next((one for one in containers if _repository(one.get("image", "")) == image), containers[0])


def next_suffix(app_name: str, release: Release, taken: Iterable[str]) -> str:
    """Give a revision suffix that nobody has had: an old one, copied or used again, is refused by Azure."""
    base = f"l{release.artifact.short}"
    used = set(taken)
    number = next(n for n in range(1, len(used) + 2) if f"{app_name}--{base}-{n}" not in used)
    return f"{base}-{number}"


def settled(revision: Document) -> str | None:
    """Say whether a new revision has come up: "" it has, None not yet, else why it never will."""
    properties = revision["properties"]
    state = str(properties.get("provisioningState") or "").lower()
    running = str(properties.get("runningState") or "").lower()
    if state == "failed" or running in _DEAD:
        told = properties.get("provisioningError") or f"{state}, {running}"
        return f"the platform could not start it: {told}"
    if state != "provisioned" or properties.get("healthState") == "Unhealthy":
        return None
    return None if running in {"processing", "activating"} else ""


def affinity(app: Document) -> str:
    """Give the session affinity of the ingress: "sticky" or "none"."""
    return str((_ingress(app).get("stickySessions") or {}).get("affinity") or "none").lower()


def name_of(app: Document, entry: Document) -> str:
    """Name the revision that an entry of the traffic list sends users to, also where it says "the latest"."""
    if entry.get("latestRevision"):
        properties = app["properties"]
        return str(properties.get("latestReadyRevisionName") or properties.get("latestRevisionName") or "")
    return str(entry.get("revisionName") or "")


def _image(revision: Document) -> str:
    return str(main_container(revision["properties"].get("template") or {}, "").get("image", ""))


def _revision(document: Document, weights: Mapping[str, int]) -> Revision:
    properties = document["properties"]
    container = main_container(properties.get("template") or {}, "")
    env = {one["name"]: one.get("value", "") for one in container.get("env") or []}
    marked = azure_marks.read(_image(document), env, document["name"])
    return Revision(
        id=document["name"],
        digest=marked.digest,
        version=marked.version,
        commit=marked.commit,
        url=f"https://{properties.get('fqdn', '')}",
        weight=weights.get(document["name"], 0),
        alive=str(properties.get("runningState") or "").lower() not in _DEAD,
        artifact=marked.artifact,
        named=marked.named,
    )


def _entries(entries: Sequence[Document]) -> set[tuple[str, int, bool, str]]:
    return {
        (
            str(entry.get("revisionName") or ""),
            int(entry.get("weight") or 0),
            bool(entry.get("latestRevision")),
            str(entry.get("label") or ""),
        )
        for entry in entries
    }


def _with(env: Sequence[Document], given: Sequence[Entry]) -> list[Entry]:
    ours = {one["name"] for one in given}
    return [*(dict(one) for one in env if one["name"] not in ours), *given]


def _repository(image: str) -> str:
    return image.partition("@")[0]


def _configuration(app: Document) -> Document:
    return app["properties"].get("configuration") or {}


def _ingress(app: Document) -> Document:
    return _configuration(app).get("ingress") or {}
