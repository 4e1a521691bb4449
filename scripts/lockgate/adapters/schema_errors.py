"""Hold a config against its JSON Schema, and say what is wrong in a person's words.

The jsonschema library finds it; here each of its errors becomes a Problem. A schema's `title` says what is expected
there, as in "a duration like 5m". Under `writeOnly` no value is ever shown.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lockgate.core.config_problems import Path, Problem, alternatives, shown
from lockgate.core.schema_fit import fits

if TYPE_CHECKING:
    from jsonschema import ValidationError

Schema = Mapping[str, Any]

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_BOOLEAN_WORDS = frozenset({"yes", "no", "on", "off", "y", "n"})
_NO_TIME = re.compile(r"[0.]{1,12}(?:ms|s|m|h)")
_ODD_NUMBER = re.compile(r"[+-]?[\d_.]{1,30}|0[xob]\w{1,30}")
_LONGEST_TYPO = 40
_WORST_TYPO = 0.6


def check(document: Any, schema: Schema) -> list[Problem]:
    """Return everything in the document that the schema does not allow."""
    if fits(document, schema):
        return []
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - large, and only a config that is wrong needs it

    errors = Draft202012Validator(schema).iter_errors(document)
    # What stands in a merge key was never meant for that place; the key itself is told.
    meant = (error for error in errors if "<<" not in error.absolute_path)
    # A value that breaks several keywords, as by its type and by its form, is told once.
    return list(dict.fromkeys(problem for error in meant for problem in _problems(error, schema)))


def resolved(schema: Schema, root: Schema) -> Schema:
    """Follow a `$ref` into `$defs`; what stands beside it wins."""
    while "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}
    return schema


def _problems(error: "ValidationError", root: Schema) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    value: Any = error.instance
    schema: Any = error.schema
    known: Mapping[str, Schema] = schema.get("properties", {})
    if "propertyNames" in error.absolute_schema_path:
        yield Problem((*path, value), f"the name is not allowed: {_unexpected(value, schema)}", at_key=True)
    elif error.validator == "required":
        for name in (name for name in schema["required"] if name not in value):
            expected = _expected(resolved(known[name], root))
            yield Problem((*path, name), f"is missing: expected {expected}", spoils=((*path, name),))
    elif error.validator == "additionalProperties":
        for name in (name for name in value if name not in known):
            yield _unknown_key(name, known, path)
    else:
        yield Problem(path, _unexpected(value, schema))


def _expected(schema: Schema) -> str:
    if "title" in schema:
        return str(schema["title"])
    if "enum" in schema:
        return alternatives(schema["enum"])
    types = schema.get("type", "object")
    return alternatives(_TYPES[name] for name in ([types] if isinstance(types, str) else types))


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
