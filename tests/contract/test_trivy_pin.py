"""The pinned scanner: one version in every file that names it."""

import re
import tomllib
from pathlib import Path

from lockgate.adapters.trivy_pin import PIN

ROOT = Path(__file__).parents[2]


def test_package_and_pin_are_the_same_version():
    """pyproject.toml installs the very package whose binary is pinned."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["trivy"] == [PIN.install]
    assert PIN.install.partition("==")[2].startswith(f"{PIN.version}.")


def test_digests_are_digests():
    """A digest is 64 hex digits: anything else could never match, and would be noticed only by users."""
    assert PIN.sha256
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in PIN.sha256)


def test_hijacked_versions_are_refused_by_name():
    """The versions of March 2026 stay on the list."""
    assert {"0.69.4", "0.69.5", "0.69.6"} <= PIN.hijacked
