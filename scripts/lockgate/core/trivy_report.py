"""Trivy's JSON report (SchemaVersion 2, `trivy fs`), read strictly: what does not fit is refused, never skipped.

A report in which a finding could not be understood must not pass as one without it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.core.redaction import printable, shorten
from lockgate.core.vulnerability import Finding, Kind, Severity

LIMIT_BYTES = 100_000_000
_SCHEMA = 2
_CHARACTERS = 300

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrivyReport:
    """What one scan of a directory saw."""

    trivy: str
    """The version that says it wrote the report."""
    findings: tuple[Finding, ...]
    packages: int
    """How many packages were looked up, or would have been."""
    manifests: tuple[str, ...]
    """The files that listed them."""


def parse(document: bytes, version: str) -> TrivyReport:
    """Read a report that Trivy `version` must have written; raise ValueError with what is wrong with it."""
    root = _load(document)
    if root.get("SchemaVersion") != _SCHEMA:
        raise ValueError(f"its SchemaVersion is {_show(root.get('SchemaVersion'))}, expected {_SCHEMA}")
    # Trivy calls a directory that is a git checkout a repository.
    if root.get("ArtifactType") not in {"filesystem", "repository"}:
        raise ValueError(f"its ArtifactType is {_show(root.get('ArtifactType'))}, expected filesystem or repository")
    writer = root.get("Trivy")
    trivy = _text(writer, "Version") if isinstance(writer, dict) else ""
    if trivy != version:
        raise ValueError(f'it says that Trivy "{trivy}" wrote it, expected {version}')
    results = list(_nodes(root, "Results"))
    packages = [(_text(result, "Target"), len(list(_nodes(result, "Packages")))) for result in results]
    return TrivyReport(
        trivy=trivy,
        findings=tuple(finding for result in results for finding in _findings(result)),
        packages=sum(count for _, count in packages),
        manifests=tuple(target for target, count in packages if count),
    )


def _load(document: bytes) -> Node:
    if not document.strip():
        raise ValueError("it is empty")
    if len(document) > LIMIT_BYTES:
        raise ValueError(f"it has {len(document):,} bytes; the limit is {LIMIT_BYTES:,}")
    try:
        root = json.loads(document)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"it is not JSON, or was cut off: {error}") from error
    if isinstance(root, dict):
        return root
    raise ValueError("it is not a JSON object")


def _findings(result: Node) -> Iterator[Finding]:
    lines = _lines(result)
    for node in _nodes(result, "Vulnerabilities"):
        yield _vulnerability(result, node, lines)
    for node in _nodes(result, "Secrets"):
        yield Finding(
            kind=Kind.SECRET,
            id=_required(node, "RuleID"),
            severity=_severity(node),
            title=_text(node, "Title"),
            file=_required(result, "Target"),
            line=_line(node),
        )
    for node in _nodes(result, "Misconfigurations"):
        if node.get("Status") == "FAIL":
            yield _misconfiguration(result, node)


def _vulnerability(result: Node, node: Node, lines: Mapping[str, int]) -> Finding:
    name = _required(node, "PkgName")
    return Finding(
        kind=Kind.VULNERABILITY,
        id=_required(node, "VulnerabilityID"),
        severity=_severity(node),
        title=_text(node, "Title"),
        file=_text(node, "PkgPath") or _required(result, "Target"),
        line=lines.get(_uid(node.get("PkgIdentifier")), 0),
        subject=f"{name} {_text(node, 'InstalledVersion')}".strip(),
        fixed_in=_text(node, "FixedVersion"),
        url=_text(node, "PrimaryURL"),
    )


def _misconfiguration(result: Node, node: Node) -> Finding:
    cause = node.get("CauseMetadata")
    return Finding(
        kind=Kind.MISCONFIGURATION,
        id=_required(node, "ID"),
        severity=_severity(node),
        title=_text(node, "Message") or _text(node, "Title"),
        file=_required(result, "Target"),
        line=_line(cause) if isinstance(cause, dict) else 0,
        advice=_text(node, "Resolution"),
        url=_text(node, "PrimaryURL"),
    )


def _lines(result: Node) -> Mapping[str, int]:
    """Where each package is named in its manifest, by the package's id in the report."""
    lines: dict[str, int] = {}
    for package in _nodes(result, "Packages"):
        uid = _uid(package.get("Identifier"))
        place = next(_nodes(package, "Locations"), None)
        if uid and place is not None:
            lines[uid] = _line(place)
    return lines


def _uid(identifier: Any) -> str:
    return _text(identifier, "UID") if isinstance(identifier, dict) else ""


def _nodes(parent: Node, key: str) -> Iterator[Node]:
    value = parent.get(key)
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{key} is not a list of objects")
    yield from value


def _text(node: Node, key: str) -> str:
    value = node.get(key, "")
    if isinstance(value, str):
        return shorten(" ".join(printable(value).split()), _CHARACTERS)
    raise ValueError(f"{key} is {_show(value)}, expected text")


def _required(node: Node, key: str) -> str:
    text = _text(node, key)
    if not text:
        raise ValueError(f"a finding has no {key}")
    return text


def _severity(node: Node) -> Severity:
    text = _required(node, "Severity")
    try:
        return Severity(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is not a severity') from error


def _line(node: Node) -> int:
    value = node.get("StartLine", 0)
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"StartLine is {_show(value)}, expected a line number")
    return value


def _show(value: Any) -> str:
    return shorten(printable(repr(value)), 40)
