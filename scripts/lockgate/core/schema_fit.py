"""Say quickly that a document is as its JSON Schema wants it, for those schemas that are our own.

A config is nearly always good. Then nothing has to be told, and the jsonschema library, which tells what is wrong, need
not be loaded: three megabytes and a twentieth of a second in every command. "No" means only that the library must look:
every keyword that is not known here gets it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SAYS_NOTHING = frozenset(
    {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "writeOnly"}
)


def fits(document: Any, schema: Schema, root: Schema | None = None) -> bool:
    """Whether a document is certainly valid."""
    root = schema if root is None else root
    for keyword, wanted in schema.items():
        if keyword in _SAYS_NOTHING:
            continue
        holds = _KEYWORDS.get(keyword)
        if holds is None or not holds(document, wanted, schema, root):
            return False
    return True


def _reference(value: Any, wanted: str, _: Schema, root: Schema) -> bool:
    known: Mapping[str, Schema] = root.get("$defs", {})
    name = wanted.removeprefix("#/$defs/")
    return name in known and fits(value, known[name], root)


def _is(value: Any, wanted: str | Sequence[str], _: Schema, __: Schema) -> bool:
    # Exactly these types: True is no number, and a number with .0 is for the library to judge.
    return any(type(value) in _TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))


def _one_of(value: Any, wanted: Sequence[Any], _: Schema, __: Schema) -> bool:
    return any(type(value) is type(one) and value == one for one in wanted)


def _properties(value: Any, wanted: Mapping[str, Schema], _: Schema, root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    return all(fits(value[name], one, root) for name, one in wanted.items() if name in value)


def _others(value: Any, wanted: bool | Schema, schema: Schema, root: Schema) -> bool:  # noqa: FBT001 - the keyword's own value
    if not isinstance(value, dict):
        return True
    others = [one for name, one in value.items() if name not in schema.get("properties", {})]
    return not others or wanted is True or (wanted is not False and all(fits(one, wanted, root) for one in others))


_KEYWORDS: Mapping[str, Callable[[Any, Any, Schema, Schema], bool]] = {
    "$ref": _reference,
    "type": _is,
    "enum": _one_of,
    "const": lambda value, wanted, schema, root: _one_of(value, [wanted], schema, root),
    "pattern": lambda value, wanted, *_: not isinstance(value, str) or re.search(wanted, value) is not None,
    "maxLength": lambda value, wanted, *_: not isinstance(value, str) or len(value) <= wanted,
    "minimum": lambda value, wanted, *_: not isinstance(value, int | float) or value >= wanted,
    "maximum": lambda value, wanted, *_: not isinstance(value, int | float) or value <= wanted,
    "items": lambda value, wanted, _, root: (
        not isinstance(value, list) or all(fits(one, wanted, root) for one in value)
    ),
    "minItems": lambda value, wanted, *_: not isinstance(value, list) or len(value) >= wanted,
    "maxItems": lambda value, wanted, *_: not isinstance(value, list) or len(value) <= wanted,
    "uniqueItems": lambda value, wanted, *_: (
        not wanted
        or not isinstance(value, list)
        or (all(isinstance(one, str) for one in value) and len(set(value)) == len(value))
    ),
    "properties": _properties,
    "additionalProperties": _others,
    "propertyNames": lambda value, wanted, _, root: (
        not isinstance(value, dict) or all(isinstance(name, str) and fits(name, wanted, root) for name in value)
    ),
    "maxProperties": lambda value, wanted, *_: not isinstance(value, dict) or len(value) <= wanted,
    "required": lambda value, wanted, *_: not isinstance(value, dict) or all(name in value for name in wanted),
}
