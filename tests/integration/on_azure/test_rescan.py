"""What runs on Azure, scanned again: one job signs in and pulls, another one scans without any credential."""

import argparse
import io
import shutil
from datetime import UTC, datetime

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.console import Console
from lockgate.adapters.runner import Runner
from lockgate.commands import rescan
from lockgate.commands.project import Project
from lockgate.core.reasons import Decision
from lockgate.errors import ArtifactMismatchError
from tests.fixtures import images
from tests.fixtures.trivy_db import database
from tests.integration.on_azure.driver import Place

PATH = {"PATH": "/usr/bin:/bin"}


def job(root, **env):
    """A job on GitHub with a checkout of its own, and what it asks."""
    runner = Runner({**PATH, "HOME": str(root), "GITHUB_ACTIONS": "true", **env}, stdout=io.StringIO())
    return Project(root, root / "lockgate.yml", root / "state", runner, Console(io.StringIO()), SystemClock())


def run(project, *, output=None, artifact=None):
    return rescan.run(project, argparse.Namespace(environment=[], output=output, artifact=artifact))


@pytest.fixture
def handed(tmp_path, azure):
    """What the job leaves that may sign in: its folder, and a machine that has nothing else."""
    azure.registry.builds = images.image({"h11": "0.14.0"})
    place = Place(tmp_path / "first", azure, "azure-container-apps")
    built = database.write(tmp_path / "database", built=datetime.now(UTC))
    place.config["build"]["registry"] = azure.registry.host
    place.config["scan"] = {"database": str(built), "secrets": False, "misconfiguration": False}
    place.begin()
    folder = tmp_path / "handed"
    result = run(job(place.root, **azure.environment), output=str(folder))
    assert (result.decision, result.message) == (Decision.PASSED, "Brought for a scan: 1 of what runs.")
    (tmp_path / "second").mkdir()
    shutil.copy(place.root / "lockgate.yml", tmp_path / "second")
    return folder, job(tmp_path / "second")


def test_the_scan_needs_neither_ledger_nor_registry(handed, azure):
    """Nothing is asked of Azure, and what was disclosed since is told with where it runs."""
    folder, second = handed
    asked = len(azure.server.exchanges)
    result = run(second, artifact=str(folder))
    assert (result.decision, len(azure.server.exchanges)) == (Decision.FAILED, asked)
    (running,) = result.data["running"]
    assert (running["environments"], running["new"]["total"]) == (["production"], 1)
    assert not (second.state_path / "ledger.db").exists()


def test_what_was_changed_on_the_way_is_not_scanned(handed):
    """A layer that is another one, and a list that is none."""
    folder, second = handed
    (layout,) = folder.glob("*/image")
    layer = max(layout.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    layer.write_bytes(layer.read_bytes() + b"x")
    with pytest.raises(ArtifactMismatchError):
        run(second, artifact=str(folder))
    for text in ("", "[]", '{"running": [{}]}', '{"running": [{"artifact": "image:shop:v1", "environments": []}]}'):
        (folder / "running.json").write_text(text)
        with pytest.raises(ArtifactMismatchError, match="rescan --output"):
            run(second, artifact=str(folder))
