"""One truth for the config: the schema, the dataclasses and what `lockgate validate` says agree."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lockgate.adapters.config_file import SCHEMA, schema
from lockgate.adapters.schema_errors import check, resolved
from lockgate.core import (
    azure_cloud,
    config_ledger,
    config_provenance,
    config_scan,
    notification,
    trace,
    vault_reference,
)
from lockgate.core import config as model
from lockgate.core.config_parse import parse
from lockgate.core.config_target import AutoscaleConfig, ScaleRuleConfig
from lockgate.core.quantities import parse_duration, parse_share, parse_size
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import BudgetLine, Result, Seconds

ROOT = Path(__file__).parents[2]
CONFIG = schema()
ANNOTATIONS = {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "writeOnly"}
"""What is only read by people, editors and our messages."""


def sections(node, path=()):
    """Every mapping with its own keys in the schema: where it is, and its schema."""
    node = resolved(node, CONFIG)
    if "properties" in node:
        yield path, node
    for key, child in node.get("properties", {}).items():
        yield from sections(child, (*path, key))
    for inside in ("additionalProperties", "items"):
        if isinstance(node.get(inside), dict):
            yield from sections(node[inside], (*path, "*"))


CLASSES = {
    (): model.Config,
    ("test",): model.TestConfig,
    ("scan",): config_scan.ScanConfig,
    ("scan", "exceptions", "*"): config_scan.ExceptionConfig,
    ("build",): model.BuildConfig,
    ("provenance",): config_provenance.ProvenanceConfig,
    ("build", "bundle"): model.BundleConfig,
    ("environments", "*"): model.EnvironmentConfig,
    ("environments", "*", "target"): model.TargetConfig,
    ("environments", "*", "targets", "*"): model.MemberConfig,
    **{
        ("environments", "*", *place, "autoscale", *inside): cls
        for place in (("target",), ("targets", "*"))
        for inside, cls in ({(): AutoscaleConfig, ("rules", "*"): ScaleRuleConfig}).items()
    },
    ("environments", "*", "strategy"): model.StrategyConfig,
    ("environments", "*", "gate"): model.GateConfig,
    ("environments", "*", "gate", "probes", "*"): model.ProbeConfig,
    ("environments", "*", "gate", "version"): model.VersionConfig,
    ("environments", "*", "freeze", "*"): model.FreezeConfig,
    ("environments", "*", "integration"): model.IntegrationConfig,
    ("environments", "*", "migration"): model.MigrationConfig,
    ("environments", "*", "azure"): azure_cloud.EnvironmentAzureConfig,
    ("azure",): azure_cloud.AzureConfig,
    ("azure", "cloud"): azure_cloud.CloudConfig,
    ("budgets",): model.Budgets,
    ("notify", "*"): notification.NotifyConfig,
    ("telemetry",): trace.TelemetryConfig,
    ("secrets", "*"): vault_reference.SecretConfig,
    ("ledger",): config_ledger.LedgerConfig,
}
SECTIONS = dict(sections(CONFIG))
KEYS = [(path, key) for path, node in SECTIONS.items() for key in node["properties"]]


WITHOUT_DEFAULT = {
    *("service", "version", "secrets.*.env", "ledger.secret.env", "notify.*.url_env", "environments.*.freeze.*.reason"),
    *(f"scan.exceptions.*.{key}" for key in ("id", "package", "reason", "owner", "expires")),
}


def name_of(case):
    return ".".join((*case[0], case[1]))


def test_every_section_has_its_class():
    """A section of the schema without a dataclass would be read by nobody. The ledger's `secret` is only a reference."""
    assert set(SECTIONS) - {("ledger", "secret")} == set(CLASSES)


@pytest.mark.parametrize("path", CLASSES, ids=lambda path: ".".join(path) or "top")
def test_keys_are_the_fields(path):
    """The schema allows exactly the keys that the code reads."""
    fields = {field.name for field in dataclasses.fields(CLASSES[path])}
    keys = set(SECTIONS[path]["properties"])
    # The format's version is for the reader, an environment's name is its key.
    assert keys - ({"version"} if path == () else set()) == fields - (
        {"name"} if path == ("environments", "*") else set()
    )


@pytest.mark.parametrize("path", SECTIONS, ids=lambda path: ".".join(path) or "top")
def test_no_section_lets_unknown_keys_through(path):
    """A misspelt key is an error everywhere."""
    assert SECTIONS[path]["additionalProperties"] is False


@pytest.mark.parametrize("case", KEYS, ids=name_of)
def test_every_key_is_explained(case):
    """Each key has a description, an example, and a default unless it is required; examples and default are valid."""
    path, key = case
    node = resolved(SECTIONS[path]["properties"][key], CONFIG)
    assert node["description"].endswith(".")
    assert node["examples"]
    assert ("default" in node) != (key in SECTIONS[path].get("required", ()))
    for value in [*node["examples"], *([node["default"]] if "default" in node else [])]:
        assert check(value, {"$defs": CONFIG["$defs"], **node}) == []


def document(path, key, value):
    """The smallest document that holds a value at a key of a section."""
    wrapped = {key: value}
    for index in range(len(path) - 1, -1, -1):
        listed = path[index] == "*" and path[index - 1] in {"probes", "rules", "freeze", "exceptions", "notify"}
        wrapped = [wrapped] if listed else {"x" if path[index] == "*" else path[index]: wrapped}
    return {"service": "s"} | wrapped


@pytest.mark.parametrize("case", [case for case in KEYS if name_of(case) not in WITHOUT_DEFAULT], ids=name_of)
def test_writing_a_default_changes_nothing(case):
    """The schema's default, written out, gives the same config as the dataclass's own default."""
    path, key = case
    default = resolved(SECTIONS[path]["properties"][key], CONFIG)["default"]
    written = document(path, key, default)
    left_out = copy.deepcopy(written)
    place = left_out
    for part in path:
        place = place[0] if isinstance(place, list) else place["x" if part == "*" else part]
    del place[key]
    assert parse(written) == parse(left_out)


def nodes(node):
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def test_the_schema_uses_only_keywords_that_are_checked():
    """A misspelt keyword, or a `format`, which the library does not look at by itself, would be a rule without force."""
    used = set()

    def walk(node):
        used.update(node)
        for key in ("properties", "$defs"):
            for child in node.get(key, {}).values():
                walk(child)
        for key in ("items", "additionalProperties", "propertyNames"):
            if isinstance(node.get(key), dict):
                walk(node[key])

    walk(CONFIG)
    assert used <= (Draft202012Validator.VALIDATORS.keys() - {"format"}) | ANNOTATIONS


def test_every_pattern_says_what_it_expects():
    """A message never shows a regular expression, and every pattern means the whole text, a last line break included."""
    for node in nodes(CONFIG):
        if "pattern" in node and isinstance(node["pattern"], str):
            assert "title" in node
            assert node["pattern"].startswith("^")
            assert node["pattern"].endswith(r"$(?!\n)")


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.json")), ids=lambda path: path.name)
def test_the_schemas_are_json_schema(path):
    """Each schema is valid by the 2020-12 meta-schema."""
    Draft202012Validator.check_schema(json.loads(path.read_text()))


def test_the_package_carries_the_very_same_schemas():
    """An installed package finds its schemas beside it; in the repository those are links to schemas/."""
    for path in SCHEMA.parent.iterdir():
        assert path.resolve() == ROOT / "schemas" / path.name
    assert SCHEMA.is_file()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 70000),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(
        ["5m", "0s", "90%", "200MB", "auto", "HIGH", "none", "/health", "x", "X Y", "", "1", "local", "100%"]
    ),
    st.lists(st.sampled_from(["HIGH", "LOW", 5, 100, {}]), max_size=3),
    st.dictionaries(st.sampled_from(["env", "path", "x"]), st.sampled_from(["x", "/y", 1, None]), max_size=2),
)


@st.composite
def documents(draw):
    """Documents near the schema: a few values of any kind at keys that exist."""
    whole = {"service": "storefront"}
    for path, key in draw(st.lists(st.sampled_from(KEYS), max_size=4)):
        whole |= document(path, key, draw(VALUES))
    return whole


@settings(max_examples=150)
@given(documents())
def test_every_error_of_the_library_is_told_once(candidate):
    """None is lost, none is invented, and no place is told of twice."""
    errors = {tuple(error.absolute_path) for error in Draft202012Validator(CONFIG).iter_errors(candidate)}
    told = [(problem.path, problem.at_key) for problem in check(candidate, CONFIG)]
    assert len(told) == len(set(told))
    # The library puts a missing key, an unknown one and a wrong name on the mapping around it, and we on the key.
    places = {path for path, _ in told}
    assert all(path in places or any(one[:-1] == path for one in places) for path in errors)
    assert all(path in errors or path[:-1] in errors for path in places)


@pytest.mark.parametrize(
    ("name", "parse_it"),
    [("duration", parse_duration), ("positive_duration", parse_duration), ("size", parse_size), ("share", parse_share)],
)
@given(data=st.data())
def test_every_quantity_that_the_schema_allows_can_be_read(name, parse_it, data):
    """What passes the schema's pattern never fails later, and a positive duration is longer than nothing."""
    text = data.draw(st.from_regex(CONFIG["$defs"][name]["pattern"], fullmatch=True))
    value = parse_it(text)
    assert value > 0 if name == "positive_duration" else value >= 0


def test_a_result_is_what_its_schema_says():
    """Every decision and reason fits the result's schema, and the schema lists no other."""
    result_schema = json.loads((ROOT / "schemas" / "result.schema.json").read_text())
    assert result_schema["properties"]["reason_code"]["enum"] == [reason.value for reason in Reason]
    assert result_schema["properties"]["decision"]["enum"] == [decision.value for decision in Decision]
    validator = Draft202012Validator(result_schema)
    for decision in Decision:
        line = BudgetLine("build", 180.0, 1.5, "s", kept=True)
        unknown = BudgetLine("image", 2e8, None, "bytes", kept=None)
        result = Result(
            "build", decision, Reason.OK, "x", seconds=Seconds(2, 1, 0), budgets=(line, unknown), data={"a": 1}
        )
        assert list(validator.iter_errors(result.to_dict())) == []


def test_a_results_schema_leaves_nothing_open():
    """Every field of a result is required and no other is allowed, so that a reader may rely on it."""
    result_schema = json.loads((ROOT / "schemas" / "result.schema.json").read_text())
    assert set(result_schema["required"]) == set(result_schema["properties"])
    assert set(Result("x", Decision.PASSED, Reason.OK, "").to_dict()) == set(result_schema["properties"])
