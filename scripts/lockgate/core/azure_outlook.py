"""What a deploy would change on Azure, settings by name and secrets by reference, and what is good to know before."""

from collections.abc import Iterator, Mapping, Sequence

from lockgate.core import app_service, autoscale, container_app
from lockgate.core.app_service import Document, Site
from lockgate.core.config_target import TargetConfig
from lockgate.core.outlook import Change, Outlook

_REFERENCE = "@Microsoft.KeyVault"
_OURS = "LOCKGATE_"


def for_slots(
    site: Site,
    config: TargetConfig,
    *,
    settings: tuple[Mapping[str, str], Mapping[str, str]],
    given: Mapping[str, str],
    sticky: Document,
    document: Document,
    scale: Sequence[str],
) -> Outlook:
    """Give what a deploy changes on App Service. `settings`: production's and the preview slot's as they are.

    `given`: what Lockgate sets beside its marks, `scale`: in what the plan's autoscale setting differs.
    """
    production, preview = settings
    wanted = app_service.settings_for(preview, {}, given, config.warm_up)
    changes = [Change(f"slot {config.slot}", *_slot(site))]
    changes += [
        Change(f"setting {name}", _shown(preview.get(name)), _shown(value))
        for name, value in sorted(wanted.items())
        if preview.get(name) != value
    ]
    if scale and config.autoscale:
        changes.append(Change("autoscale", "; ".join(scale), autoscale.described(config.autoscale)))
    ours = {*given, *(name for name in {*production, *preview} if name.startswith(_OURS))}
    notes = [
        f"the slots differ in {one}" for one in app_service.sticky_differences(sticky, production, preview, [*ours])
    ]
    notes += filter(None, [app_service.warm_up_missing(wanted), slot_affinity(config, document)])
    return Outlook(tuple(changes), tuple(notes))


def for_container_app(
    app: Document,
    revisions: Sequence[Document],
    config: TargetConfig,
    *,
    name: str,
    env: Sequence[Mapping[str, str]],
    secrets: Sequence[Mapping[str, str]],
) -> Outlook:
    """Give what a deploy changes on Container Apps; `name` is that of the new revision."""
    template = app["properties"].get("template") or {}
    there = {one["name"]: one for one in container_app.main_container(template, "").get("env") or []}
    changes = [Change("revision", "none", f"{name}, at 0 %")]
    changes += [
        Change(f"variable {one['name']}", "set" if one["name"] in there else "not set", _source(one))
        for one in env
        if there.get(one["name"]) != one
    ]
    known = (app["properties"].get("configuration") or {}).get("secrets") or []
    kept = {one["name"]: one.get("keyVaultUrl") or "" for one in known}
    changes += [
        Change(f"secret {one['name']}", kept.get(one["name"], "not set") or "set", one.get("keyVaultUrl") or "set anew")
        for one in secrets
        if not one.get("keyVaultUrl") or kept.get(one["name"]) != one["keyVaultUrl"]
    ]
    changes += _entries(app, [one["name"] for one in revisions if one["properties"].get("active")])
    if config.autoscale:
        wanted = autoscale.container_scale(config.autoscale)
        if left := autoscale.container_differences(wanted, template.get("scale")):
            changes.append(Change("scale", "; ".join(left), autoscale.described(config.autoscale)))
    return Outlook(tuple(changes), tuple(filter(None, [app_affinity(config, app)])))


def slot_affinity(config: TargetConfig, document: Document) -> str:
    """Say what is missing for a WebSocket service on App Service; "" where nothing is."""
    if not config.websockets or document["properties"].get("clientAffinityEnabled"):
        return ""
    return (
        "session affinity is off: a client that falls back to long polling, or opens a second connection, may reach "
        f"another instance (az webapp update --name {config.app} --client-affinity-enabled true)"
    )


def app_affinity(config: TargetConfig, app: Document) -> str:
    """Say what a WebSocket service must know on Container Apps; "" for others.

    Affinity is for single-revision mode only, where nothing could be rolled back. Source:
    learn.microsoft.com/azure/container-apps/sticky-sessions.
    """
    if not config.websockets:
        return ""
    found = container_app.affinity(app)
    return (
        f'session affinity is "{found}", and Azure keeps it in single-revision mode only: a WebSocket stays with its '
        "replica while it is open, and a client that connects anew or falls back to long polling may reach another one"
    )


def _slot(site: Site) -> tuple[str, str]:
    preview = site.preview
    held = preview.marked.version or preview.marked.id if not preview.empty else "empty"
    state = "running" if preview.running else "stopped"
    prepared = ", prepared for a swap" if preview.prepared else ""
    return f"{held}, {state}{prepared}", "the new release, with production's sticky settings, swapped at 100 %"


def _entries(app: Document, running: Sequence[str]) -> Iterator[Change]:
    for entry in container_app.traffic_of(app):
        weight = f"{entry.get('weight') or 0} %"
        if entry.get("latestRevision"):
            yield Change('traffic entry "the latest"', weight, f"by name: {container_app.name_of(app, entry)}")
        elif entry.get("revisionName") not in running:
            yield Change(f"traffic entry {entry.get('revisionName')}", f"{weight}, does not run", "taken out")


def _shown(value: str | None) -> str:
    if value is None:
        return "not set"
    return value if value.startswith(_REFERENCE) else "set"


def _source(variable: Mapping[str, str]) -> str:
    return f"the secret {variable['secretRef']}" if "secretRef" in variable else "set"
