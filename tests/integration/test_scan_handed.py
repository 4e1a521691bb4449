"""A private image for a scan without a credential: pulled by the job that may sign in, held to the digest by the one that scans."""

import argparse
import json
import os
from datetime import UTC, datetime

import pytest

from lockgate.adapters import handover
from lockgate.commands import scan as command
from lockgate.commands import scan_subject
from lockgate.commands.build_acr import hand_over
from lockgate.commands.build_task import Task, TimeBudget
from lockgate.core.config import Config
from lockgate.core.config_scan import ScanConfig, Vulnerabilities
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError
from tests.fixtures import images
from tests.fixtures.oci_registry import FakeRegistry, running
from tests.fixtures.stage import stage
from tests.fixtures.trivy_db import database

VULNERABLE = images.image({"h11": "0.14.0", "werkzeug": "3.0.1"}, debian={"zlib1g": "1:1.2.13.dfsg-1"})
OCI = "application/vnd.oci.image"
SECRET = "a-token-of-the-registry"


def opened(tmp_path, **settings):
    quick = {"secrets": False, "misconfiguration": False, "timeout": 60.0}
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    return stage(tmp_path, Config("shop", scan=ScanConfig(**{**quick, **settings})), env)


def for_all_platforms():
    """An index, as builders push it: one image for each platform, and attestations."""
    entry = {"mediaType": f"{OCI}.manifest.v1+json", "digest": VULNERABLE.digest, "size": len(VULNERABLE.manifest)}
    listed = [{**entry, "platform": {"os": "linux", "architecture": name}} for name in ("amd64", "arm64", "unknown")]
    return json.dumps({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": listed}).encode()


@pytest.fixture(params=["image", "index"])
def handed(request, tmp_path):
    """What the job that builds leaves: a registry that wants a credential, which is gone by the time of the scan."""
    made = opened(tmp_path)
    output = handover.open_directory(tmp_path / "artifact")
    registry = FakeRegistry(credential=("00000000-0000-0000-0000-000000000000", SECRET))
    VULNERABLE.into(registry)
    with running(registry):
        digest = VULNERABLE.digest if request.param == "image" else registry.tag("all", for_all_platforms())
        artifact = Artifact(ArtifactKind.IMAGE, f"{registry.host}/shop", digest)
        task = Task(made.project, TimeBudget(made.project.clock, 60.0), output)
        hand_over(task, artifact, lambda: ("00000000-0000-0000-0000-000000000000", SECRET))
    handover.write(output, Release("shop", "1.0", "0" * 40, artifact), 1)
    return output, artifact, made


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    return database.write(tmp_path_factory.mktemp("db"), built=datetime.now(UTC))


def scanned(tmp_path, folder, artifact, db):
    made = opened(tmp_path, database=str(db))
    arguments = argparse.Namespace(image=str(artifact), artifact=str(folder), output="", against="")
    return command.run(made.project, arguments)


def test_the_scan_needs_neither_registry_nor_credential(tmp_path, handed, db):
    """The registry is gone, the findings are there, and the token is in no file that was handed over."""
    folder, artifact, made = handed
    result = scanned(tmp_path, folder, artifact, db)
    assert [one["id"] for one in result.data["blocking"]["findings"]] == [database.H11, database.WERKZEUG]
    assert result.data["artifact"] == str(artifact)
    assert "pulling" in made.console.getvalue()
    assert all(SECRET.encode() not in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def another_layer(layout):
    layer = max(layout.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    layer.write_bytes(layer.read_bytes() + b"\0")


def another_index(layout):
    text = (layout / "index.json").read_text()
    (layout / "index.json").write_text(text.replace("sha256:", "sha256:0", 1))


def nothing_under_the_digest(layout):
    for path in layout.glob("blobs/sha256/*"):
        path.unlink()


def a_link(layout):
    path = next(layout.glob("blobs/sha256/*"))
    path.rename(layout / "elsewhere")
    path.symlink_to(layout / "elsewhere")


def no_marker(layout):
    (layout / "oci-layout").write_text("{}")


@pytest.mark.parametrize("spoil", [another_layer, another_index, nothing_under_the_digest, a_link, no_marker])
@pytest.mark.parametrize("handed", ["index"], indirect=True)
def test_what_was_changed_on_the_way_is_not_scanned(tmp_path, handed, spoil):
    """Whichever part of it: the digest that will be deployed says what has to be there."""
    folder, artifact, made = handed
    with scan_subject.artifact(made.project, artifact, folder, tmp_path) as found:
        assert found.subject.path == folder / handover.LAYOUT
    spoil(folder / handover.LAYOUT)
    with (
        pytest.raises(ArtifactMismatchError, match="does not hold"),
        scan_subject.artifact(made.project, artifact, folder, tmp_path),
    ):
        pytest.fail("it was taken")


def test_nothing_is_pulled_that_nobody_scans(tmp_path):
    """Nor where the build hands nothing over; and a registry that does not give it fails the build, which says so."""
    off = opened(tmp_path, artifact=Vulnerabilities.OFF)
    wanted = Artifact(ArtifactKind.IMAGE, "127.0.0.1:9/shop", VULNERABLE.digest)

    def task(made, output):
        return Task(made.project, TimeBudget(made.project.clock, 60.0), output)

    hand_over(task(off, tmp_path / "artifact"), wanted, lambda: ("", ""))
    hand_over(task(opened(tmp_path), None), wanted, lambda: ("", ""))
    assert not (tmp_path / "artifact").exists()
    with pytest.raises(ArtifactMissingError, match="could not be pulled"):
        hand_over(task(opened(tmp_path), tmp_path), wanted, lambda: ("", ""))
