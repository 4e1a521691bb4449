"""A document that the schema allows becomes a config; what is wrong with it falls back to the defaults."""

from lockgate.core.config import (
    Approval,
    Budgets,
    BuilderKind,
    Config,
    EnvironmentConfig,
    GateConfig,
    ProbeConfig,
    StrategyConfig,
)
from lockgate.core.config_parse import parse, without
from lockgate.core.config_scan import Vulnerabilities
from lockgate.core.config_target import TargetConfig
from lockgate.core.vault_reference import SecretConfig


def test_an_empty_document_is_all_defaults():
    """What is not said has the default of its field."""
    assert parse({"service": "storefront"}) == Config(service="storefront")


def test_units_become_seconds_bytes_and_shares():
    """Quantities are converted, and nothing else changes."""
    budgets = {
        "build": "1m",
        "deploy": "2m",
        "coverage": "80%",
        "image": "1MB",
        "response": "1s",
        "availability": "99%",
    }
    assert parse({"service": "s", "budgets": budgets}).budgets == Budgets(60.0, 120.0, 0.8, 1_000_000, 1.0, 0.99)


def test_words_become_members_and_lists_tuples():
    """Closed sets are enums, and no part of a config can be changed later."""
    config = parse({"service": "s", "build": {"kind": "bundle"}, "scan": {"vulnerabilities": "off", "skip": ["a"]}})
    assert (config.build.kind, config.scan.vulnerabilities) == (BuilderKind.BUNDLE, Vulnerabilities.OFF)
    assert config.scan.skip == ("a",)


def test_an_environment_is_read_whole():
    """Each part of an environment arrives in its field, and the environment knows its name."""
    document = {
        "target": {"port": 81.0, "start_timeout": "1s"},
        "strategy": {"steps": [50.0, 100], "pause": "1s", "drain": "2s"},
        "gate": {
            "rate": 2,
            "alpha": "2%",
            "probes": [{"path": "/x", "json": {"a": None}, "timeout": "1s"}],
            "bake": "3s",
        },
        "approval": "required",
        "integration": {"command": "x", "timeout": "4s"},
        "url": "https://x.example",
    }
    one = parse({"service": "s", "environments": {"production": document}}).environments["production"]
    assert isinstance(one, EnvironmentConfig)
    assert (one.name, one.approval, one.url) == ("production", Approval.REQUIRED, "https://x.example")
    assert one.target == TargetConfig(port=81, start_timeout=1.0)
    assert one.strategy == StrategyConfig(steps=(50, 100), pause=1.0, drain=2.0)
    probes = (ProbeConfig(path="/x", json={"a": None}, timeout=1.0),)
    assert one.gate == GateConfig(probes=probes, rate=2.0, alpha=0.02, bake=3.0)
    assert isinstance(one.target.port, int)
    assert one.integration.timeout == 4.0


def test_secrets_are_names_only():
    """A secret is kept as the name of its variable."""
    assert parse({"service": "s", "secrets": {"A": {"env": "B"}}}).secrets == {"A": SecretConfig(env="B")}


def test_every_variable_that_holds_a_secret_is_known():
    """Wherever the config names one: what is in it is hidden from the first line on."""
    config = {
        "service": "shop",
        "secrets": {"DB": {"env": "SHOP_DB"}},
        "notify": [{"to": "webhook", "url_env": "HOOK", "key_env": "HOOK_KEY"}],
        "ledger": {"kind": "postgres", "secret": {"env": "LEDGER"}},
        "telemetry": {"application_insights": "INSIGHTS"},
    }
    assert sorted(parse(config).secret_variables) == ["HOOK", "HOOK_KEY", "INSIGHTS", "LEDGER", "SHOP_DB"]


def test_what_is_left_out_is_gone_and_the_rest_stays():
    """Removing paths touches nothing else, whatever their order, and does not change the document given."""
    document = {"a": {"b": [1, 2, 3, {"c": 4}]}, "d": 5}
    paths = [("a", "b", 0), ("a", "b", 2), ("a", "b", 3, "c"), ("d",), ("nowhere", "at", "all"), ("a", "b", 9), ()]
    assert without(document, paths) == {"a": {"b": [2, {}]}}
    assert document == {"a": {"b": [1, 2, 3, {"c": 4}]}, "d": 5}


def test_many_items_of_one_list_are_left_out_rightly():
    """Indexes are removed from the end, also past the ninth."""
    assert without({"a": list(range(12))}, [("a", 2), ("a", 10), ("a", 9)]) == {"a": [0, 1, 3, 4, 5, 6, 7, 8, 11]}
