"""The quick check of a document against its schema: never a yes where the library says no."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lockgate.adapters import yaml_positions
from lockgate.core.schema_fit import fits

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "schemas" / "lockgate.schema.json").read_text(encoding="utf-8"))
FILES = sorted((ROOT / "tests" / "fixtures" / "config").glob("*/*.yml"))
ODD = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    float("nan"),
    "",
    "5m",
    "90%",
    "https://a.b",
    [],
    [1],
    ["a", "a"],
    {},
    {1: 2},
]


def read(path):
    """As the command reads it; None where it is no YAML."""
    try:
        return yaml_positions.read(path.read_text(encoding="utf-8")).document
    except yaml_positions.NotReadableError:
        return None


def agree(document, schema):
    """Whether the library says yes; a yes of ours without one of its is wrong."""
    valid = Draft202012Validator(schema).is_valid(document)
    assert valid or not fits(document, schema)
    return valid


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_config_gets_the_answer_of_the_library(path):
    """And a good one needs the library no more: that is what it is for."""
    document = read(path)
    assert agree(document, SCHEMA) == fits(document, SCHEMA)


def places(document, path=()):
    """Every place in a document."""
    yield path
    children = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    for key, value in children:
        yield from places(value, (*path, key))


@pytest.mark.uncounted
def test_nothing_odd_anywhere_in_a_config_is_let_through():
    """Each value of the fullest config in turn is replaced by everything that it may not be."""
    fullest = max((read(path) for path in FILES if path.parent.name == "valid"), key=lambda one: len(str(one)))
    validator, refused = Draft202012Validator(SCHEMA), 0
    for path in list(places(fullest)):
        changed = json.loads(json.dumps(fullest))
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        for odd in ODD:
            if path:
                inner[path[-1]] = odd
            if fits(changed if path else odd, SCHEMA):
                assert validator.is_valid(changed if path else odd), (path, odd)
            else:
                refused += 1
    assert refused > len(ODD)


@pytest.mark.uncounted
@pytest.mark.parametrize(
    ("keyword", "wanted"),
    [
        ("type", "integer"),
        ("type", ["string", "null"]),
        ("enum", [1, "a", None]),
        ("const", 1),
        ("pattern", "^a"),
        ("maxLength", 1),
        ("minimum", 1),
        ("maximum", 1),
        ("items", {"type": "string"}),
        ("minItems", 1),
        ("maxItems", 1),
        ("uniqueItems", True),
        ("uniqueItems", False),
        ("properties", {"a": {"type": "string"}}),
        ("additionalProperties", False),
        ("additionalProperties", {"type": "string"}),
        ("propertyNames", {"pattern": "^a"}),
        ("maxProperties", 1),
        ("required", ["a"]),
        ("$ref", "#/$defs/text"),
    ],
)
def test_no_keyword_says_yes_where_the_library_says_no(keyword, wanted):
    """For whatever stands there, itself or in a list or a mapping."""
    schema = {keyword: wanted, "$defs": {"text": {"type": "string"}}}
    for odd in ODD:
        for document in (odd, [odd], [odd, odd], [odd, "a"], {"a": odd}, {"b": odd}, {"a": odd, "b": "b"}):
            agree(document, schema)


def test_a_keyword_that_is_not_known_is_for_the_library():
    """A schema that learns a new word is never half read."""
    assert fits(1, {"type": "integer"})
    assert not fits(1, {"type": "integer", "multipleOf": 1})
    assert not fits(1, {"$ref": "https://elsewhere/schema"})
