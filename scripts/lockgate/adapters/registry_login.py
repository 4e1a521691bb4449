"""The credential that docker or podman keeps for a registry, where somebody signed in on this machine."""

import base64
import binascii
import json
from collections.abc import Iterable
from pathlib import Path

from lockgate.adapters.oci_registry import Credential

_BYTES = 1_000_000
_HUB = "https://index.docker.io/v1/"


def known(host: str, files: Iterable[Path]) -> Credential | None:
    """Find the credential for a registry; one that only a credential helper holds is not found."""
    for path in files:
        try:
            with path.open("rb") as file:
                auths = json.loads(file.read(_BYTES))["auths"]
            entry = auths[_HUB if host.endswith("docker.io") else host]
            user, colon, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, binascii.Error):
            continue
        if colon:
            return Credential(user, password)
    return None


def places(home: Path) -> tuple[Path, ...]:
    """Where docker and podman keep them."""
    return home / ".docker" / "config.json", home / ".config" / "containers" / "auth.json"
