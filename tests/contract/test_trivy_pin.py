"""The pinned scanner: one version in every file that names it."""

import hashlib
import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import check_trivy_pin
from lockgate.adapters.sigstore_bundle import Bundles
from lockgate.adapters.trivy_pin import PIN
from tests.fixtures.images import tar
from tests.standins.sigstore import Sigstore, claims

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


@pytest.fixture(scope="module")
def sigstore():
    return Sigstore()


@pytest.fixture
def upstream(tmp_path, sigstore):
    """A release of a program that plays Trivy, signed as upstream signs: the list by its bytes, the archive by a statement."""
    (tmp_path / "root.json").write_text(sigstore.trusted_root())
    verifier = Bundles(tmp_path / "root.json").verifier
    program = b"plays trivy"
    archive = tmp_path / "trivy_1.0.0_Linux-64bit.tar.gz"
    archive.write_bytes(tar({"README.md": b"", "trivy": program}))
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    pin = replace(
        PIN, version="1.0.0", sha256={hashlib.sha256(program).hexdigest(): "test"}, archives={archive.name: sha256}
    )
    checksums = tmp_path / "trivy_1.0.0_checksums.txt"
    checksums.write_text(f"{'0' * 64}  other.tar.gz\n{sha256}  {archive.name}\n")

    def sign(workflow="aquasecurity/trivy/.github/workflows/reusable-release.yaml@refs/tags/v1.0.0", about=sha256):
        said = claims(workflow=f"https://github.com/{workflow}")
        bundles = {checksums: sigstore.of_file(checksums.read_bytes(), said), archive: sigstore.bundle(about, said)}
        for path, bundle in bundles.items():
            path.with_name(f"{path.name}.sigstore.json").write_text(json.dumps(bundle))

    sign()
    return SimpleNamespace(folder=tmp_path, checksums=checksums, archive=archive, sign=sign,
                           check=lambda pin=pin, folder=tmp_path: check_trivy_pin.main([str(folder)], pin, verifier), pin=pin)  # fmt: skip


def test_the_pin_is_upstreams_own_release(upstream, capsys):
    """The signed list names the signed archive, and the program in that is the pinned one."""
    assert upstream.check() == 0
    assert "pinned as upstream released it" in capsys.readouterr().out
    assert check_trivy_pin.main([]) == 2
    assert upstream.check(replace(upstream.pin, sha256={"1" * 64: "test"})) == 1
    assert "pinned are 1111" in capsys.readouterr().err
    upstream.checksums.write_text(f"{'0' * 64}  {upstream.archive.name}\n")
    upstream.sign()
    assert upstream.check() == 1
    assert "names 0000" in capsys.readouterr().err


CURL = """#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --output ] && into=$2; [ "$1" = --proto ] && proto=$2; shift; done
echo "$proto $1" >>"$ASKED" && exec cp "$UPSTREAM/${1##*/}" "$into"
"""


def test_what_is_fetched_is_all_that_is_checked(upstream, tmp_path):
    """From upstream's release of the pinned version: the list, each archive, and what signs them; a file less is an error."""
    bin_, asked, into = tmp_path / "bin", tmp_path / "asked", tmp_path / "fetched"
    scripts = tmp_path / "scripts"
    (scripts / "lockgate" / "adapters").mkdir(parents=True)
    bin_.mkdir()
    (bin_ / "curl").write_text(CURL)
    (bin_ / "curl").chmod(0o755)
    shutil.copy(ROOT / "scripts" / "fetch_trivy.sh", scripts)
    pin = (ROOT / "scripts" / "lockgate" / "adapters" / "trivy_pin.py").read_text()
    (scripts / "lockgate" / "adapters" / "trivy_pin.py").write_text(pin.replace(PIN.version, "1.0.0"))
    env = {"PATH": f"{bin_}:/usr/bin:/bin", "ASKED": str(asked), "UPSTREAM": str(upstream.folder)}
    argv = [str(scripts / "fetch_trivy.sh"), str(into)]
    assert subprocess.run(argv, env=env, check=False, timeout=30).returncode == 0
    release = "=https https://github.com/aquasecurity/trivy/releases/download/v1.0.0/"
    names = ("trivy_1.0.0_checksums.txt", "trivy_1.0.0_Linux-64bit.tar.gz")
    wanted = [f"{release}{name}{end}" for name in names for end in ("", ".sigstore.json")]
    assert asked.read_text().splitlines() == wanted
    assert upstream.check(folder=into) == 0
    (upstream.folder / f"{names[1]}.sigstore.json").unlink()
    assert subprocess.run(argv, env=env, check=False, timeout=30, stderr=subprocess.DEVNULL).returncode != 0


@pytest.mark.parametrize("what", ["list", "archive", "unsigned", "garbage", "workflow", "tag", "statement"])
def test_what_upstream_did_not_sign_is_no_release(upstream, capsys, what):
    """Changed after it was signed, not signed at all, or by another workflow, tag or for another file."""
    place = "aquasecurity/trivy/.github/workflows"
    beside = upstream.archive.with_name(f"{upstream.archive.name}.sigstore.json")
    if what in {"list", "archive"}:
        path = upstream.checksums if what == "list" else upstream.archive
        path.write_bytes(path.read_bytes() + b"\n")
    elif what == "unsigned":
        beside.unlink()
    elif what == "garbage":
        beside.write_text("[]")
    elif what == "workflow":
        upstream.sign(f"{place}/evil.yaml@refs/tags/v1.0.0")
    elif what == "tag":
        upstream.sign(f"{place}/reusable-release.yaml@refs/tags/v0.69.4")
    else:
        upstream.sign(about="b" * 64)
    assert upstream.check() == 1
    assert "is not signed by upstream's release of 1.0.0" in capsys.readouterr().err
