"""scripts/bootstrap.py: nothing is run that is not the pinned thing, and nothing of the caller's bends it."""

import hashlib
import io
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import bootstrap

SCRIPT = Path(bootstrap.__file__)
PROGRAM = b"#!/bin/sh\nexit 0\n"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def packed(program=PROGRAM):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"uv-{bootstrap.UV_VERSION}.data/scripts/uv", program)
    return buffer.getvalue()


def index(wheel, content):
    """Give a reader that answers like PyPI: a listing, then the wheel."""

    def read(url, accept="*/*"):
        if url == bootstrap.INDEX:
            return json.dumps({"files": [{"filename": wheel.name, "url": "../../files/uv.whl"}]}).encode()
        assert url == "https://pypi.org/files/uv.whl"
        return content

    return read


def test_the_program_in_a_wheel_with_the_right_hash_is_taken():
    """What PyPI has is used when it is what was pinned."""
    wheel = bootstrap.Wheel("any", sha256(packed()), sha256(PROGRAM))
    assert bootstrap.download(wheel, index(wheel, packed())) == PROGRAM


def test_a_wheel_with_another_hash_is_refused():
    """A changed download ends the bootstrap, and says why."""
    wheel = bootstrap.Wheel("any", sha256(packed()), sha256(PROGRAM))
    with pytest.raises(SystemExit, match=r"expected .*\nwhy: .*\nfix: "):
        bootstrap.download(wheel, index(wheel, packed(b"something else")))


def test_a_wheel_that_pypi_does_not_list_is_said():
    """A version that was removed is a message, not a traceback."""
    wheel = bootstrap.Wheel("gone", "", "")
    with pytest.raises(SystemExit, match="does not list"):
        bootstrap.download(wheel, index(bootstrap.Wheel("other", "", ""), b""))


def test_only_https_is_read():
    """No address leads anywhere else, whatever an index answers."""
    with pytest.raises(SystemExit, match="not https"):
        bootstrap.fetch("http://pypi.org/simple/uv/")


def test_a_uv_on_the_path_is_taken_only_if_it_is_the_pinned_one(tmp_path, monkeypatch):
    """Byte for byte the same means no download; anything else is left alone."""
    found = tmp_path / "path" / "uv"
    found.parent.mkdir()
    found.write_bytes(PROGRAM)
    found.chmod(0o755)
    monkeypatch.setenv("PATH", str(found.parent))
    place = bootstrap.ensure_uv(tmp_path / "bin" / "uv", bootstrap.Wheel("any", "", sha256(PROGRAM)))
    assert place.read_bytes() == PROGRAM
    assert bootstrap.read_if_pinned(found, bootstrap.Wheel("any", "", sha256(b"another"))) is None


def test_a_program_that_was_changed_in_its_place_is_not_used(tmp_path):
    """The hash is looked at every time, not only when it was fetched."""
    uv = tmp_path / "uv"
    uv.write_bytes(PROGRAM + b"# and more")
    assert bootstrap.read_if_pinned(uv, bootstrap.Wheel("any", "", sha256(PROGRAM))) is None


def test_what_could_bend_uv_is_dropped(tmp_path, monkeypatch):
    """UV_*, PYTHON* and an active environment are the caller's business; only two settings of our own go in."""
    for name in ("UV_INDEX_URL", "UV_PYTHON", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.setenv(name, "theirs")
    env = bootstrap.clean_env(tmp_path)
    assert "theirs" not in env.values()
    assert {name for name in env if name.startswith("UV_")} == {"UV_PROJECT_ENVIRONMENT", "UV_NO_CONFIG"}


@pytest.mark.parametrize(("lowest", "asked"), [((3, 11), ["--python", sys.executable]), ((99, 0), [])])
def test_the_python_that_was_asked_for_is_the_one_used(tmp_path, monkeypatch, lowest, asked):
    """`make test PYTHON=...` means that one; one that is too old only fetches uv, which looks for a newer one."""
    monkeypatch.setattr(bootstrap, "LOWEST_PYTHON", lowest)
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$@" >"$0.said"\n')
    uv.chmod(0o755)
    assert bootstrap.sync(uv, tmp_path / "venv", [], []) == 0
    said = (tmp_path / "uv.said").read_text().split()
    assert [word for word in said if word in {"--python", sys.executable}] == asked


def test_the_lowest_python_is_the_packages():
    """What the bootstrap takes for new enough is what the package asks for."""
    project = tomllib.loads((bootstrap.PROJECT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=" + ".".join(map(str, bootstrap.LOWEST_PYTHON))


def test_this_machine_has_a_pinned_uv():
    """The tests run where the bootstrap works; every pin is a whole SHA-256."""
    assert bootstrap.wheel_for_this_machine() in bootstrap.WHEELS.values()
    for wheel in bootstrap.WHEELS.values():
        assert len(wheel.sha256) == len(wheel.program_sha256) == 64


def test_a_folder_that_cannot_be_made_is_a_message(tmp_path):
    """No traceback: what happened, and the fix."""
    (tmp_path / "file").touch()
    command = [sys.executable, "-I", str(SCRIPT), "--into", str(tmp_path / "file" / "below")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr
