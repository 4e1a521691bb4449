"""OpenVEX 0.2.0 documents: statements that a vulnerability does not concern us are read, our exceptions are written.

An exception is an accepted risk, not proof of absence, so it is written as `affected` with an action statement; calling
it `not_affected` would tell every other scanner something that nobody has shown.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from lockgate.core import purl
from lockgate.core.purl import Package
from lockgate.core.redaction import printable, shorten
from lockgate.core.scan_exceptions import Rule

CONTEXT = "https://openvex.dev/ns/v0.2.0"
LIMIT_BYTES = 2_000_000
_ACCEPTED = {"not_affected", "fixed"}
_KNOWN = {*_ACCEPTED, "affected", "under_investigation"}
_CHARACTERS = 300


def read(document: bytes, source: str) -> tuple[Rule, ...]:
    """Read the statements that take a vulnerability out; raise ValueError with what is wrong with the document."""
    if len(document) > LIMIT_BYTES:
        raise ValueError(f"it has {len(document):,} bytes; the limit is {LIMIT_BYTES:,}")
    try:
        root = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(root, dict) or not str(root.get("@context", "")).startswith("https://openvex.dev/ns"):
        raise ValueError(f"it is not an OpenVEX document: its @context is not {CONTEXT}")
    statements = root.get("statements")
    if not isinstance(statements, list):
        raise ValueError("it has no list of statements")  # noqa: TRY004 - all that is wrong is a ValueError here
    owner = _text(root.get("author", ""))
    return tuple(rule for number, one in enumerate(statements) for rule in _rules(one, number, owner, source))


def _rules(statement: Any, number: int, owner: str, source: str) -> Iterator[Rule]:
    where = f"statements[{number}]"
    if not isinstance(statement, dict):
        raise ValueError(f"{where} is not an object")  # noqa: TRY004
    status = statement.get("status")
    if not isinstance(status, str) or status not in _KNOWN:
        raise ValueError(f"{where} has no status out of {', '.join(sorted(_KNOWN))}")
    named = statement.get("vulnerability")
    name = _text(named.get("name", "")) if isinstance(named, dict) else _text(named or "")
    if not name:
        raise ValueError(f"{where} names no vulnerability")
    reason = _text(statement.get("justification") or statement.get("impact_statement") or "")
    if status == "not_affected" and not reason:
        raise ValueError(f"{where} says not_affected without a justification or an impact statement")
    if status in _ACCEPTED:
        told = reason or status.replace("_", " ")
        packages = list(_products(statement, where))
        if not packages:
            yield Rule(name, "", told, owner, None, source)
        for one in packages:
            yield Rule(name, one.known_as, told, owner, None, source, exact=True, version=one.version)


def _products(statement: dict[str, Any], where: str) -> Iterator[Package]:
    """Give the packages: the subcomponents where there are any, else the products, by their package URL."""
    for product in _listed(statement.get("products"), where):
        parts = _listed(product.get("subcomponents"), where) if isinstance(product, dict) else []
        for part in parts or [product]:
            named = part.get("@id", "") if isinstance(part, dict) else part
            others = part.get("identifiers") if isinstance(part, dict) else None
            other = others.get("purl", "") if isinstance(others, dict) else ""
            found = purl.parse(_text(named)) or purl.parse(_text(other))
            if not found:
                raise ValueError(f"{where} has a product without a package URL")
            yield found


def _listed(value: Any, where: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{where}: its products are not a list")
    return value or []


def write(rules: Iterable[Rule], author: str, at: str) -> str:
    """Write exceptions as a document; the same rules at the same time give the same text."""
    statements = [
        {
            "vulnerability": {"name": rule.id},
            "products": [{"@id": f"pkg:generic/{rule.package}"}],
            "status": "affected",
            "action_statement": f"Accepted until {rule.until} by {rule.owner}: {rule.reason}",
            "timestamp": at,
        }
        for rule in rules
    ]
    digest = hashlib.sha256(json.dumps([author, at, statements]).encode()).hexdigest()
    document = {
        "@context": CONTEXT,
        "@id": f"urn:sha256:{digest}",
        "author": author,
        "timestamp": at,
        "version": 1,
        "statements": statements,
    }
    return json.dumps(document, indent=2) + "\n"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {shorten(repr(value), 40)}")  # noqa: TRY004
    return shorten(" ".join(printable(value).split()), _CHARACTERS)
