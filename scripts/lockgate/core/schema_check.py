"""Hold a document against a JSON Schema, and say what is wrong in a person's words.

Reads the slice of JSON Schema 2020-12 that schemas/lockgate.schema.json is written in (`KEYWORDS`); a contract test
keeps the schema within it, and another compares the verdicts with the `jsonschema` library's. That library is not used
at run time because importing it alone takes longer than a whole `lockgate validate`.

A schema's `title` says what is expected there, as in "a duration like 5m". Under `writeOnly` no value is ever shown.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.config_problems import Path, Problem, alternatives, shown

Schema = Mapping[str, Any]

KEYWORDS = frozenset(
    {"$ref", "type", "enum", "pattern", "minimum", "maximum", "items", "minItems", "maxItems", "uniqueItems"}
    | {"properties", "required", "additionalProperties", "propertyNames"}
)
"""What is checked."""
ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples", "writeOnly"})
"""What is only read by people, editors and the messages here."""

_TYPES = {
    "object": (dict, "a mapping"),
    "array": (list, "a list"),
    "string": (str, "text"),
    "integer": (int, "a whole number"),
    "number": (int | float, "a number"),
    "boolean": (bool, "true or false"),
    "null": (type(None), "nothing"),
}
_BOOLEAN_WORDS = frozenset({"yes", "no", "on", "off", "y", "n"})
_NO_TIME = re.compile(r"[0.]{1,12}(?:ms|s|m|h)")
_ODD_NUMBER = re.compile(r"[+-]?[\d_.]{1,30}|0[xob]\w{1,30}")
_LONGEST_TYPO = 40
_WORST_TYPO = 0.6


def check(document: Any, schema: Schema) -> list[Problem]:
    """Return everything in the document that the schema does not allow."""
    return list(_Checker(schema).value(document, schema, ()))


@dataclass(frozen=True, slots=True)
class _Checker:
    root: Schema

    def value(self, value: Any, schema: Schema, path: Path) -> Iterator[Problem]:
        schema = resolved(schema, self.root)
        if not _allowed_alone(value, schema):
            yield Problem(path, _unexpected(value, schema))
        elif isinstance(value, dict):
            yield from self._mapping(value, schema, path)
        elif isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                yield from self.value(item, schema["items"], (*path, index))

    def _mapping(self, value: dict[str, Any], schema: Schema, path: Path) -> Iterator[Problem]:
        known: Mapping[str, Schema] = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        names = resolved(schema.get("propertyNames", {}), self.root)
        for name in schema.get("required", ()):
            if name not in value:
                expected = _expected(resolved(known[name], self.root))
                yield Problem((*path, name), f"is missing: expected {expected}", spoils=((*path, name),))
        for name, item in value.items():
            here = (*path, name)
            if name in known:
                yield from self.value(item, known[name], here)
            elif others is False:
                yield _unknown_key(name, known, path)
            elif not _allowed_alone(name, names):
                yield Problem(here, f"the name is not allowed: {_unexpected(name, names)}", at_key=True)
            elif isinstance(others, Mapping):
                yield from self.value(item, others, here)


def resolved(schema: Schema, root: Schema) -> Schema:
    """Follow a `$ref` into `$defs`; what stands beside it wins."""
    while "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}
    return schema


def _allowed_alone(value: Any, schema: Schema) -> bool:
    """Whether a value fits, not looking into a mapping or at the items of a list."""
    types = schema.get("type", list(_TYPES))
    if not any(_is(value, name) for name in ([types] if isinstance(types, str) else types)):
        return False
    if "enum" in schema and not any(value == one and type(value) is type(one) for one in schema["enum"]):
        return False
    match value:
        case str():
            # fullmatch: `$` alone would let a trailing newline through, which ends up in file names and commands.
            fits = "pattern" not in schema or re.fullmatch(schema["pattern"], value) is not None
        case int() | float():
            fits = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        case list():
            alike = schema.get("uniqueItems", False) and len({repr(item) for item in value}) < len(value)
            fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)) and not alike
        case _:
            fits = True
    return bool(fits)


def _is(value: Any, name: str) -> bool:
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    wanted, _ = _TYPES[name]
    return isinstance(value, wanted) and (name == "boolean" or not isinstance(value, bool))


def _expected(schema: Schema) -> str:
    if "title" in schema:
        return str(schema["title"])
    if "enum" in schema:
        return alternatives(schema["enum"])
    types = schema.get("type", "object")
    return alternatives(_TYPES[name][1] for name in ([types] if isinstance(types, str) else types))


def _unexpected(value: Any, schema: Schema) -> str:
    got = "something else" if schema.get("writeOnly") and not isinstance(value, dict | list) else shown(value)
    return f"expected {_expected(schema)}, got {got}{_hint(value, schema)}"


def _hint(value: Any, schema: Schema) -> str:
    if value is None:
        return "; leave the key out for the default"
    kind = schema.get("type")
    if kind == "string" and "title" not in schema and isinstance(value, int | float):
        return "; put it in quotes"
    return _hint_for_text(value, kind, schema) if isinstance(value, str) else ""


def _hint_for_text(value: str, kind: object, schema: Schema) -> str:
    if _NO_TIME.fullmatch(value):
        return "; it must be longer than 0"
    if kind == "boolean" and value.lower() in _BOOLEAN_WORDS:
        return "; YAML 1.2 knows only true and false"
    if kind in ("integer", "number") and _ODD_NUMBER.fullmatch(value):
        return "; write the number plainly, without quotes, leading zeros or underscores"
    near = _nearest(value, [str(one) for one in schema.get("enum", ())])
    return f'; did you mean "{near}"?' if near else ""


def _unknown_key(name: str, known: Mapping[str, Schema], path: Path) -> Problem:
    if name == "<<":
        message = "merge keys are not part of YAML 1.2: use an alias for a whole value, as in gate: *gate"
        return Problem((*path, name), message, at_key=True)
    near = _nearest(name, list(known))
    hint = f'; did you mean "{near}"?' if near else f"; known here: {alternatives(known, 'and')}"
    spoils = ((*path, near),) if near else ()
    return Problem((*path, name), f"unknown key {shown(name)}{hint}", at_key=True, spoils=spoils)


def _nearest(word: str, known: list[str]) -> str:
    if len(word) > _LONGEST_TYPO:
        return ""
    import difflib  # noqa: PLC0415 - only to help with a typo

    folded = {one.lower().replace("-", "_"): one for one in known}
    near = difflib.get_close_matches(word.lower().replace("-", "_"), folded, 1, _WORST_TYPO)
    return folded[near[0]] if near else ""
