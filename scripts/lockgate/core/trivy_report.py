"""Trivy's JSON report (SchemaVersion 2), read strictly: what does not fit is refused, never skipped.

A report in which a finding could not be understood must not pass as one without it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lockgate.core import purl
from lockgate.core.redaction import printable, shorten
from lockgate.core.vulnerability import Finding, Kind, Severity

LIMIT_BYTES = 600_000_000
"""A report of 100,000 findings has about 200 MB."""
_SCHEMA = 2
_CHARACTERS = 300
_READ = frozenset({
    "SchemaVersion", "ArtifactType", "Trivy", "Version", "Metadata", "ImageID", "Results", "Target", "Packages", "Name",
    "Vulnerabilities", "Secrets", "Misconfigurations", "Licenses", "Locations", "StartLine", "Identifier",
    "PkgIdentifier", "PURL", "UID", "VulnerabilityID", "PkgName", "PkgPath", "Severity", "Title", "InstalledVersion",
    "FixedVersion", "PrimaryURL", "RuleID", "Status", "ID", "Message", "Resolution", "CauseMetadata", "FilePath",
    "Link", "Type", "OS", "Family", "EOSL",
})  # fmt: skip
"""The only keys that are looked at. All else is dropped while the document is read: a report is mostly descriptions."""

Node = Mapping[str, Any]


class Artifact(Enum):
    """What Trivy may call the thing it scanned."""

    # Trivy calls a directory that is a git checkout a repository.
    DIRECTORY = frozenset({"filesystem", "repository"})
    IMAGE = frozenset({"container_image"})


@dataclass(frozen=True, slots=True)
class TrivyReport:
    """What one scan saw."""

    trivy: str
    """The version that says it wrote the report."""
    findings: tuple[Finding, ...]
    packages: int
    """How many packages were looked up, or would have been."""
    manifests: tuple[str, ...]
    """The files that listed them."""
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`ecosystem/name` -> the versions of it that are there."""
    image_id: str = ""
    """For an image: the digest of its configuration."""
    system: str = ""
    """For an image: the distribution and its version, "" where none was recognised."""
    ended: bool = False
    """Whether the distribution no longer looks after that version: nobody lists what is found in it since."""
    dockerfiles: tuple[str, ...] = ()
    """The Dockerfiles that were looked at, as paths of the directory: text from outside."""


def parse(document: bytes, version: str, artifact: Artifact = Artifact.DIRECTORY) -> TrivyReport:
    """Read a report that Trivy `version` must have written; raise ValueError with what is wrong with it."""
    root = _load(document)
    if root.get("SchemaVersion") != _SCHEMA:
        raise ValueError(f"its SchemaVersion is {_show(root.get('SchemaVersion'))}, expected {_SCHEMA}")
    if root.get("ArtifactType") not in list(artifact.value):
        expected = " or ".join(sorted(artifact.value))
        raise ValueError(f"its ArtifactType is {_show(root.get('ArtifactType'))}, expected {expected}")
    writer, metadata = root.get("Trivy"), root.get("Metadata")
    trivy = _text(writer, "Version") if isinstance(writer, dict) else ""
    if trivy != version:
        raise ValueError(f'it says that Trivy "{trivy}" wrote it, expected {version}')
    seen = metadata.get("OS") if isinstance(metadata, dict) else None
    system = seen if isinstance(seen, dict) else {}
    results = list(_nodes(root, "Results"))
    packages = [(_text(result, "Target"), list(_nodes(result, "Packages"))) for result in results]
    return TrivyReport(
        trivy=trivy,
        findings=tuple(finding for result in results for finding in _findings(result)),
        packages=sum(len(listed) for _, listed in packages),
        manifests=tuple(target for target, listed in packages if listed),
        versions=_versions(package for _, listed in packages for package in listed),
        image_id=_text(metadata, "ImageID") if isinstance(metadata, dict) else "",
        system=f"{_text(system, 'Family')} {_text(system, 'Name')}".strip().removeprefix("none"),
        ended=system.get("EOSL", False) is not False,
        dockerfiles=tuple(str(one.get("Target", "")) for one in results if one.get("Type") == "dockerfile"),
    )


def _load(document: bytes) -> Node:
    if not document.strip():
        raise ValueError("it is empty")
    if len(document) > LIMIT_BYTES:
        raise ValueError(f"it has {len(document):,} bytes; the limit is {LIMIT_BYTES:,}")
    try:
        root = json.loads(document, object_pairs_hook=_looked_at)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"it is not JSON, or was cut off: {error}") from error
    if isinstance(root, dict):
        return root
    raise ValueError("it is not a JSON object")


def _looked_at(pairs: list[tuple[str, Any]]) -> Node:
    return {key: value for key, value in pairs if key in _READ}


def _versions(packages: Iterable[Node]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for package in packages:
        if name := _package(package.get("Identifier")):
            found.setdefault(name, {})[_text(package, "Version")] = None
    return {name: tuple(versions) for name, versions in found.items()}


def _package(identifier: Any, name: str = "") -> str:
    """Give `ecosystem/name` of a package: `pkg:pypi/h11@0.14.0` is pypi/h11; without a URL its name."""
    found = purl.parse(_text(identifier, "PURL")) if isinstance(identifier, dict) else None
    return found.known_as if found else name


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
    for node in _nodes(result, "Licenses"):
        yield _licence(result, node)


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
        package=_package(node.get("PkgIdentifier"), name),
    )


def _licence(result: Node, node: Node) -> Finding:
    name = _text(node, "PkgName")
    return Finding(
        kind=Kind.LICENCE,
        id=_required(node, "Name"),
        severity=_severity(node),
        title=_text(node, "Name"),
        file=_text(node, "FilePath") or _required(result, "Target"),
        subject=name,
        url=_text(node, "Link"),
        package=f"licence/{name}" if name else "",
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
