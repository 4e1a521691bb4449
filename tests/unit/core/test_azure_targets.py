"""What the Azure targets decide: settings and warm-up, what differs between slots, how it scales, where sessions stay."""

import pytest

from lockgate.core import app_service, autoscale, azure_outlook
from lockgate.core.config_target import AutoscaleConfig, ScaleMetric, ScaleRuleConfig, TargetConfig, TargetKind

PING = {"WEBSITE_SWAP_WARMUP_PING_PATH": "/health", "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200,202"}


def test_a_slots_settings_keep_what_is_there_and_end_with_the_marks():
    """References and the warm-up over what was found, marks over all; without a path, Azure's ping stays as it is."""
    found = {"OWN": "1", "DATABASE_URL": "old", "LOCKGATE_VERSION": "1.0"}
    given = {"DATABASE_URL": "@Microsoft.KeyVault(SecretUri=x)"}
    marks = {"LOCKGATE_VERSION": "1.1"}
    settings = app_service.settings_for(found, marks, given, "/health")
    assert settings == {"OWN": "1", **given, **PING, **marks}
    assert app_service.settings_for(found, marks, given, "") == {"OWN": "1", **given, **marks}


@pytest.mark.parametrize(
    ("settings", "missing"),
    [({}, True), (PING, False), ({**PING, "WEBSITE_SWAP_WARMUP_PING_STATUSES": ""}, True), ({"WEBSITE_SWAP_WARMUP_PING_PATH": "/"}, True)],
)  # fmt: skip
def test_a_warm_up_is_missing_unless_path_and_statuses_are_set(settings, missing):
    """Azure takes any status for warm where it has no list of them."""
    assert bool(app_service.warm_up_missing(settings)) is missing


def test_what_differs_between_slots_is_named_with_where_it_stays():
    """By name; what is the same in both, and what is ours, is no difference."""
    names = {"properties": {"appSettingNames": ["STICKY"]}}
    production = {"STICKY": "p", "MOVES": "1", "GONE": "1", "SAME": "x", "OURS": "1"}
    preview = {"STICKY": "s", "MOVES": "2", "NEW": "1", "SAME": "x"}
    assert app_service.sticky_differences(names, production, preview, ["OURS"]) == [
        "GONE: only in production, moves with the release",
        "MOVES: in both, moves with the release",
        "NEW: only in the preview slot, moves with the release",
        "STICKY: in both, stays with its slot",
    ]


def test_the_defaults_of_autoscale_are_two_to_twenty():
    """And mean the same to Azure, whatever way it writes them back."""
    config = AutoscaleConfig()
    wanted = autoscale.plan_setting(config, "/plans/p", "westeurope")
    (profile,) = wanted["properties"]["profiles"]
    assert profile["capacity"] == {"minimum": "2", "maximum": "20", "default": "2"}
    up, down = profile["rules"]
    assert (up["metricTrigger"]["metricName"], up["metricTrigger"]["operator"], up["metricTrigger"]["threshold"]) == (
        "CpuPercentage",
        "GreaterThan",
        70,
    )
    assert (up["scaleAction"]["direction"], up["scaleAction"]["value"]) == ("Increase", "2")
    assert down["scaleAction"]["direction"] == "Decrease"
    theirs = {
        "properties": {
            **wanted["properties"],
            "profiles": [{**profile, "capacity": {k: int(v) for k, v in profile["capacity"].items()}}],
        }
    }
    assert autoscale.plan_differences(wanted, theirs) == []
    assert autoscale.plan_differences(wanted, None) == ["there is no autoscale setting"]


def changed(**capacity):
    return autoscale.plan_setting(AutoscaleConfig(**capacity), "/plans/p", "westeurope")


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (changed(minimum=1, default=1), "minimum: 1, not 2"),
        (changed(rules=()), "rules: []"),
        (changed(rules=(ScaleRuleConfig(ScaleMetric.MEMORY, above=70, change=2),)), "MemoryPercentage"),
        ({"properties": {**changed()["properties"], "enabled": False}}, "enabled: False, not True"),
        ({"properties": {**changed()["properties"], "profiles": changed()["properties"]["profiles"] * 2}}, "profiles: 2, not 1"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_what_was_set_is_seen(theirs, told):
    """In capacity, rules, profiles and whether it is on at all."""
    assert told in "; ".join(autoscale.plan_differences(changed(), theirs))


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("PT60M", "PT1H", True),
        ("PT90M", "PT1H30M", True),
        ("PT1440M", "P1D", True),
        ("PT1M", "PT60S", True),
        ("PT1M", "PT1M0.0S", True),
        ("PT5M", "PT5H", False),
        ("PT5M", "", False),
        ("PT5M", "P", False),
        ("PT5M", None, False),
    ],
)
def test_a_duration_is_compared_by_how_long_it_lasts(ours, theirs, same):
    """Azure writes it back in the largest units there are; what is no duration is a difference, not a crash."""

    def lasting(duration):
        setting = changed()
        (up, _) = setting["properties"]["profiles"][0]["rules"]
        up["metricTrigger"]["timeWindow"] = up["scaleAction"]["cooldown"] = duration
        return setting

    assert (autoscale.plan_differences(lasting(ours), lasting(theirs)) == []) is same


def test_a_container_apps_scale_is_held_to_what_was_set():
    """Bounds and rules; a rule below has no counterpart there."""
    wanted = autoscale.container_scale(AutoscaleConfig())
    assert wanted == {
        "minReplicas": 2,
        "maxReplicas": 20,
        "rules": [{"name": "cpu", "custom": {"type": "cpu", "metadata": {"type": "Utilization", "value": "70"}}}],
    }
    assert autoscale.container_differences(wanted, {**wanted, "cooldownPeriod": 300}) == []
    assert autoscale.container_differences(wanted, {**wanted, "minReplicas": 0}) == ["minReplicas: 0, not 2"]
    assert autoscale.container_differences(wanted, {**wanted, "rules": []}) == ["rules: [], not ['cpu 70']"]
    assert len(autoscale.container_differences(wanted, None)) == 3


@pytest.mark.parametrize(("websockets", "on", "told"), [(False, False, ""), (True, True, ""), (True, False, "--client-affinity-enabled true")])  # fmt: skip
def test_a_websocket_service_on_app_service_is_told_of_missing_affinity(websockets, on, told):
    """Others are not bothered."""
    config = TargetConfig(TargetKind.APP_SERVICE, app="shop", websockets=websockets)
    found = azure_outlook.slot_affinity(config, {"properties": {"clientAffinityEnabled": on}})
    assert bool(found) is bool(told)
    assert told in found


def test_a_websocket_service_on_container_apps_is_told_that_there_is_none():
    """Affinity is for single-revision mode, whatever the app says."""
    app = {"properties": {"configuration": {"ingress": {"stickySessions": {"affinity": "sticky"}}}}}
    assert azure_outlook.app_affinity(TargetConfig(TargetKind.CONTAINER_APPS), app) == ""
    told = azure_outlook.app_affinity(TargetConfig(TargetKind.CONTAINER_APPS, websockets=True), app)
    assert told.startswith('session affinity is "sticky", and Azure keeps it in single-revision mode only')
