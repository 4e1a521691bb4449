"""From a commit to users, in containers: `lockgate build`, then the local target with a strict client watching."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from bench.load import run_load
from lockgate.adapters import handover
from lockgate.adapters.clock import SystemClock
from lockgate.adapters.engine_cli import Engine
from lockgate.adapters.local.container import REVISION_LABEL, ContainerLauncher
from lockgate.adapters.local.target import LocalTarget
from lockgate.commands import build
from lockgate.core.config import BuildConfig, BuilderKind, Config, StrategyConfig
from lockgate.core.config_target import TargetConfig
from lockgate.core.release import ArtifactKind, Release
from lockgate.errors import ServiceExitedError, ServiceWrongPortError
from tests.containers import behaviour
from tests.fixtures.stage import stage
from tests.ports import free_port

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]


def shipped(engine: Engine, base: str, folder: Path, version: str, how: str = "well") -> Release:
    """Build with `lockgate build`, forget the image, and take it from what travels to the next job."""
    behaviour.context(folder, base, how=how)
    config = Config("tiny", build=BuildConfig(kind=BuilderKind(engine.kind)))
    here = stage(folder, config, {**engine.env, "LOCKGATE_VERSION": version})
    result = build.run(here.project, argparse.Namespace(output=str(folder / "out"), kind=None))
    release = handover.read(folder / "out", "tiny")
    assert (str(release.artifact), release.version) == (result.image, version)
    assert result.data["size"] > 0
    forgotten = engine.ask("rmi", "--force", release.artifact.digest)
    assert forgotten.code == 0, forgotten.tail
    engine.load(folder / "out" / handover.IMAGE, release.artifact)
    return release


CONFIG = """
service: tiny
build: {kind: KIND, port: 8000}
environments:
  production:
    target: {kind: local, port: PORT, start_timeout: 20s}
    strategy: {steps: [50, 100], pause: 1s, drain: 2s}
    gate: {rate: 20, pre_promotion: 20s, bake: 2s, verify: 10s, version: {header: X-Version}}
"""


def lockgate(engine: Engine, folder: Path, *arguments: str) -> dict:
    argv = [sys.executable, "-m", "lockgate", *arguments, "--json", "--config", str(folder / "lockgate.yml")]
    done = subprocess.run(
        argv, cwd=folder, env=dict(engine.env), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def target(engine: Engine, tmp_path: Path):
    """One environment on this machine, whose releases are containers; nothing of it stays."""
    made = LocalTarget(
        service="tiny",
        environment="production",
        config=TargetConfig(port=free_port(), start_timeout=8.0),
        strategy=StrategyConfig(drain=5.0),
        build=BuildConfig(),
        state=tmp_path / "state",
        materialise=lambda _: tmp_path,
        secrets={"API_KEY": "of the tests\nin two lines"},
        env=dict(os.environ),
        launchers={ArtifactKind.IMAGE: ContainerLauncher(engine, container_port=behaviour.CONTAINER_PORT)},
        clock=SystemClock(),
        say=print,
    )
    (tmp_path / "state").mkdir()
    yield made
    made.shutdown()


def containers(engine: Engine) -> set[str]:
    return set(engine.ask("ps", "--all", "--quiet", "--filter", f"label={REVISION_LABEL}").tail.split())


def test_containers_are_switched_with_nothing_lost(engine, base, tmp_path, target):
    """Promote, switch by steps, retire: every request of keep-alive clients is answered, by the right release."""
    old, new = (shipped(engine, base, tmp_path / version, version) for version in ("v1", "v2"))
    first = target.deploy_preview(old)
    target.shift({first.id: 100})
    url = target.observe().url
    reports, stop, begun = [], [], threading.Event()

    async def load() -> None:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(event.set))
        begun.set()
        reports.append(await run_load(url, connections=8, rate=100, stop=event))

    client = threading.Thread(target=lambda: asyncio.run(load()))
    client.start()
    assert begun.wait(10)
    try:
        second = target.deploy_preview(new)
        assert behaviour.get(int(second.url.rpartition(":")[2].strip("/")))["version"] == "v2"
        for weight in (10, 50, 100):
            target.shift({first.id: 100 - weight, second.id: weight})
        assert target.observe().active.id == second.id
        target.retire(first.id)
        assert len(containers(engine)) == 1
    finally:
        stop[0]()
        client.join()
    [report] = reports
    assert report.failed == 0
    assert report.ok == report.requests > 50
    assert Counter(report.by_version).keys() == {"v1", "v2"}


def test_a_revision_sees_its_secrets_and_the_port_inside(engine, base, tmp_path, target):
    """What the config promises reaches the container, and PORT is the one it must listen on."""
    revision = target.deploy_preview(shipped(engine, base, tmp_path / "v1", "v1"))
    port = int(revision.url.rpartition(":")[2].strip("/"))
    answer = behaviour.get(port, "?env=API_KEY&env=PORT&env=LOCKGATE_ENVIRONMENT")
    assert answer["env"] == {
        "API_KEY": "of the tests\nin two lines",
        "PORT": str(behaviour.CONTAINER_PORT),
        "LOCKGATE_ENVIRONMENT": "production",
    }


@pytest.mark.parametrize(("how", "error"), [("exits", ServiceExitedError), ("elsewhere", ServiceWrongPortError)])
def test_a_container_that_does_not_come_up_is_removed(engine, base, tmp_path, target, how, error):
    """A preview that cannot be probed is not left running, and why is told in the service's own words."""
    before = containers(engine)
    release = shipped(engine, base, tmp_path / "v1", "v1", how)
    with pytest.raises(error) as caught:
        target.deploy_preview(release)
    if how == "exits":
        assert "exit code 3" in caught.value.what
        assert "starting exits" in caught.value.why
    assert containers(engine) == before


def test_the_commands_ship_one_container_after_the_other(engine, base, tmp_path, target):
    """`build` and `deploy`, as a person types them: the second release takes over, and the first is gone."""
    target.shutdown()
    [port] = [int(target.observe().url.rpartition(":")[2])]
    before = containers(engine)
    config = CONFIG.replace("KIND", str(engine.kind)).replace("PORT", str(port))
    behaviour.context(tmp_path, base)
    (tmp_path / "lockgate.yml").write_text(config)
    for version in ("v1", "v2"):
        behaviour.context(tmp_path, base)
        built = lockgate(engine, tmp_path, "build")
        state = ("--state-dir", str(tmp_path / "state"))
        shipped = lockgate(
            engine, tmp_path, "deploy", "production", "--image", built["image"], "--version", version, *state
        )
        assert (shipped["decision"], shipped["version"]) == ("deployed", version)
        assert behaviour.get(port)["version"] == version
        assert len(containers(engine) - before) == 1
