"""Package URLs: by what a package is known in a report, in a statement about it, and in another scan.

https://github.com/package-url/purl-spec says how one is written.
"""

import re
from dataclasses import dataclass

from lockgate.core.redaction import printable

_SCHEME = "pkg:"
_DISTRIBUTIONS = {"deb", "apk", "rpm"}
_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SEPARATORS = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class Package:
    """What a package URL names. Its texts come from outside, and are harmless to show."""

    ecosystem: str
    """The type, in lower case."""
    name: str
    """With its namespace: `@angular/core`, `org.example/thing`. Of a distribution's package the last part alone."""
    version: str = ""
    """With its epoch, where it has one. "" where none is named."""

    @property
    def known_as(self) -> str:
        """`ecosystem/name`."""
        return f"{self.ecosystem}/{self.name}"


def parse(url: str) -> Package | None:
    """Read a package URL; None where it is none."""
    text, _, asked = url.partition("#")[0].partition("?")
    if not text.startswith(_SCHEME):
        return None
    ecosystem, _, path = text.removeprefix(_SCHEME).strip("/").partition("/")
    before, _, after = path.rpartition("@")
    # The @ of a scope is not always encoded as it should be; a version has no slash that is not.
    name, version = (before, after) if before.strip("/") and "/" not in after else (path, "")
    ecosystem = _plain(ecosystem).lower()
    parts = [_plain(part) for part in name.split("/") if part]
    if not ecosystem or not parts:
        return None
    epoch = dict(one.partition("=")[::2] for one in asked.split("&")).get("epoch", "")
    version = _plain(version)
    if epoch and version and ":" not in version:
        version = f"{_plain(epoch)}:{version}"
    return Package(ecosystem, _name(ecosystem, parts), version)


def _name(ecosystem: str, parts: list[str]) -> str:
    if ecosystem in _DISTRIBUTIONS:
        # The distribution stands in front; Trivy calls the package by the last part alone.
        return parts[-1]
    name = "/".join(parts)
    return _SEPARATORS.sub("-", name).lower() if ecosystem == "pypi" else name


def _plain(text: str) -> str:
    return "".join(printable(_ESCAPED.sub(_unescaped, text)).split())


def _unescaped(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode(errors="replace")
