"""The dossier as a file, and evidence as text from other jobs: believed only where the schema allows it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lockgate.adapters.state import write_json
from lockgate.core.dossier import Dossier
from lockgate.core.redaction import printable, shorten
from lockgate.errors import DossierInvalidError

NAME = "dossier.json"
LIMIT_BYTES = 256 * 1024
_SCHEMA = Path(__file__).parent.parent / "schemas" / "dossier.schema.json"
_FIX = "Hand on what the earlier stages of this very run wrote, unchanged."


def write(path: Path, dossier: Dossier) -> None:
    """Write a dossier; raise DossierInvalidError where it would not be one, StateError."""
    document = dossier.to_dict()
    check(document, str(path))
    write_json(path, document)


def read(path: Path) -> Dossier | None:
    """Read a dossier; None where there is none. Raise DossierInvalidError."""
    try:
        with path.open("rb") as file:
            text = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DossierInvalidError(f"{path} cannot be read: {error.strerror}.", fix=_FIX) from error
    document = _load(text, str(path))
    check(document, str(path))
    try:
        return Dossier.from_dict(document)
    except ValueError as error:
        raise _invalid(str(path), str(error)) from error


def evidence(text: str) -> list[Mapping[str, Any]]:
    """Read what stages handed on, a JSON object a line; raise DossierInvalidError."""
    # Not splitlines: a line separator of Unicode may stand inside a JSON text.
    found = [_load(line.encode(errors="surrogatepass"), "the evidence") for line in text.split("\n") if line.strip()]
    for one in found:
        check(one, "the evidence", "evidence")
    return found


def check(document: Any, name: str, part: str = "") -> None:
    """Hold a document to the schema, or to the part of it of that name; raise DossierInvalidError."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - only builds and rollouts need it

    if error := best_match(_validator(part).iter_errors(document)):
        place = "/".join(map(str, error.absolute_path)) or "the whole"
        raise _invalid(name, f"{place}: {error.message}")


@cache
def _validator(part: str) -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only builds and rollouts need it

    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{part}"} if part else schema)


def _load(text: bytes, name: str) -> Any:
    if len(text) > LIMIT_BYTES:
        raise _invalid(name, f"it has more than {LIMIT_BYTES:,} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(name, f"it is not JSON: {error}") from error


def _invalid(name: str, problem: str) -> DossierInvalidError:
    return DossierInvalidError(f"{name} is not a release's dossier: {shorten(printable(problem), 300)}.", fix=_FIX)
