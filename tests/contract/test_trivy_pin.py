"""The pinned scanner: one version in every file that names it."""

import hashlib
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import check_trivy_pin
from lockgate.adapters.trivy_pin import PIN
from tests.fixtures.images import tar

ROOT = Path(__file__).parents[2]


def test_package_and_pin_are_the_same_version():
    """pyproject.toml installs the very package whose binary is pinned."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["trivy"] == [PIN.install]
    assert PIN.install.partition("==")[2].startswith(f"{PIN.version}.")


def test_digests_are_digests():
    """A digest is 64 hex digits: anything else could never match, and would be noticed only by users."""
    assert PIN.sha256
    assert all(PIN.version in name for name in PIN.archives)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in [*PIN.sha256, *PIN.archives.values()])


def test_hijacked_versions_are_refused_by_name():
    """The versions of March 2026 stay on the list."""
    assert {"0.69.4", "0.69.5", "0.69.6"} <= PIN.hijacked


def test_the_pin_is_checked_against_upstreams_checksums(tmp_path, capsys):
    """The archive that the signed list names, and the program in it, are the pinned ones; any other is told."""
    program = b"plays trivy"
    archive = tmp_path / "trivy_1.0.0_Linux-64bit.tar.gz"
    archive.write_bytes(tar({"README.md": b"", "trivy": program}))
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    pin = replace(PIN, sha256={hashlib.sha256(program).hexdigest(): "test"}, archives={archive.name: sha256})
    checksums = tmp_path / "checksums.txt"
    checksums.write_text(f"{'0' * 64}  other.tar.gz\n{sha256}  {archive.name}\n")
    words = [str(checksums), str(archive)]
    assert check_trivy_pin.main(words, pin) == 0
    assert check_trivy_pin.main(words[:1], pin) == 0
    assert check_trivy_pin.main([]) == 2
    assert check_trivy_pin.main(words, replace(pin, sha256={"1" * 64: "test"})) == 1
    checksums.write_text(f"{'0' * 64}  {archive.name}\n")
    assert check_trivy_pin.main(words[:1], pin) == 1
    archive.write_bytes(b"another")
    assert check_trivy_pin.main(words, pin) == 1
    assert "pinned is" in capsys.readouterr().err
