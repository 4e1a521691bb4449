"""How many instances there are, in Azure's words, and whether what it says back is what was asked for.

Shapes: Microsoft.Insights/autoscalesettings 2022-10-01 and Microsoft.App 2024-03-01.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lockgate.core.config_target import AutoscaleConfig, ScaleMetric, ScaleRuleConfig

Document = Mapping[str, Any]

NAME = "lockgate"
"""What the setting and its profile are called where there was none."""
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_UNITS = (86_400, 3_600, 60, 1)
"""Seconds in a day, an hour, a minute, a second."""
_PLAN_METRICS = {ScaleMetric.CPU: "CpuPercentage", ScaleMetric.MEMORY: "MemoryPercentage"}


def plan_setting(config: AutoscaleConfig, plan: str, location: str) -> dict[str, Any]:
    """Give the autoscale setting for an App Service plan, by its resource id."""
    capacity = {name: str(getattr(config, name)) for name in ("minimum", "maximum", "default")}
    rules = [_plan_rule(rule, plan) for rule in config.rules]
    profile = {"name": NAME, "capacity": capacity, "rules": rules}
    properties = {"enabled": True, "targetResourceUri": plan, "profiles": [profile]}
    return {"location": location, "properties": properties}


def setting_for(plan: str, settings: Iterator[Document] | list[Document]) -> Document | None:
    """Find the setting of a plan among those of its resource group: Azure allows one for each plan."""
    wanted = plan.lower()
    return next((one for one in settings if one["properties"].get("targetResourceUri", "").lower() == wanted), None)


def plan_differences(wanted: Document, found: Document | None) -> list[str]:
    """Say what differs between the setting that is wanted and the one that is there."""
    if found is None:
        return ["there is no autoscale setting"]
    ours, theirs = (_meaning(document["properties"]) for document in (wanted, found))
    return [f"{name}: {theirs[name]}, not {value}" for name, value in ours.items() if theirs[name] != value]


def container_scale(config: AutoscaleConfig) -> dict[str, Any]:
    """Give the scale of a container app's template. The platform decides by how many to scale, and when to go back."""
    rules = [
        {
            "name": rule.metric.value,
            "custom": {"type": rule.metric.value, "metadata": {"type": "Utilization", "value": str(rule.above)}},
        }
        for rule in config.rules
        if rule.above
    ]
    return {"minReplicas": config.minimum, "maxReplicas": config.maximum, "rules": rules}


def container_differences(wanted: Document, found: Document | None) -> list[str]:
    """Say what differs between the scale that is wanted and the one of a revision."""
    ours, theirs = (_container_meaning(document or {}) for document in (wanted, found))
    return [f"{name}: {theirs[name]}, not {value}" for name, value in ours.items() if theirs[name] != value]


def described(config: AutoscaleConfig) -> str:
    """Say it in a line."""
    rules = ", ".join(
        f"{rule.metric.value} {'>' if rule.above else '<'} {rule.above or rule.below} % "
        f"{'+' if rule.above else '-'}{rule.change}"
        for rule in config.rules
    )
    return f"{config.minimum} to {config.maximum} instances (default {config.default}); {rules or 'no rules'}"


def _plan_rule(rule: ScaleRuleConfig, plan: str) -> dict[str, Any]:
    trigger = {
        "metricName": _PLAN_METRICS[rule.metric],
        "metricResourceUri": plan,
        "timeGrain": "PT1M",
        "statistic": "Average",
        "timeWindow": _iso(rule.window),
        "timeAggregation": "Average",
        "operator": "GreaterThan" if rule.above else "LessThan",
        "threshold": rule.above or rule.below,
    }
    direction = "Increase" if rule.above else "Decrease"
    action = {"direction": direction, "type": "ChangeCount", "value": str(rule.change), "cooldown": _iso(rule.cooldown)}
    return {"metricTrigger": trigger, "scaleAction": action}


def _iso(seconds: float) -> str:
    """Give a duration in ISO 8601; Azure takes whole minutes here."""
    return f"PT{max(1, round(seconds / 60))}M"


def _meaning(properties: Document) -> dict[str, Any]:
    """Keep what a setting means, in one spelling: Azure answers numbers as texts, and ids in a case of its own."""
    profiles = properties.get("profiles") or [{}]
    capacity = profiles[0].get("capacity", {})
    return {
        "enabled": properties.get("enabled", True),
        "profiles": len(profiles),
        **{name: int(capacity.get(name, -1)) for name in ("minimum", "maximum", "default")},
        "rules": [_rule_meaning(rule) for rule in profiles[0].get("rules", [])],
    }


def _rule_meaning(rule: Document) -> str:
    trigger, action = rule.get("metricTrigger", {}), rule.get("scaleAction", {})
    when = f"{trigger.get('metricName')} {trigger.get('operator')} {float(trigger.get('threshold', 0)):g}"
    what = f"{action.get('direction')} {action.get('value')}, cooldown {_lasting(action.get('cooldown'))}"
    return f"{when} over {_lasting(trigger.get('timeWindow'))}: {what}"


def _lasting(duration: Any) -> str:
    """Write an ISO 8601 duration in seconds, because PT60M is read back as PT1H; what is none stays as it is."""
    found = _DURATION.fullmatch(str(duration))
    if found is None or not any(found.groups()):
        return str(duration)
    return f"{sum(float(part) * unit for part, unit in zip(found.groups(default='0'), _UNITS, strict=True)):g} s"


def _container_meaning(scale: Document) -> dict[str, Any]:
    rules = [
        f"{one.get('custom', {}).get('type')} {one.get('custom', {}).get('metadata', {}).get('value')}"
        for one in scale.get("rules") or []
    ]
    return {"minReplicas": scale.get("minReplicas"), "maxReplicas": scale.get("maxReplicas"), "rules": sorted(rules)}
